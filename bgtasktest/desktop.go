package bgtasktest

import (
	"context"
	"slices"

	"github.com/bgtask/bgtask"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// Toasts returns the toasts that the application has shown, oldest first. The first
// one has the ID 1.
func (m *Machine) Toasts() []bgtask.Toast {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.toasts)
}

// ActOnToast acts on a toast as the user would: it clicks the toast (action
// bgtask.DefaultAction), clicks a button (its key), or replies with input
// (bgtask.ReplyAction). It fires the tasks whose ToastNotificationActionTrigger
// matches. An ID that no toast has is an error of the test.
func (m *Machine) ActOnToast(id uint32, action, input string) {
	m.t.Helper()
	m.mu.Lock()
	if id == 0 || int(id) > len(m.toasts) {
		m.mu.Unlock()
		m.t.Errorf("there is no toast %d", id)
		return
	}
	toast := m.toasts[id-1]
	tasks := m.engine.Tasks(m.now(), engine.Filter{Package: family, All: true})
	m.mu.Unlock()
	for _, info := range tasks {
		if t, ok := info.Spec.Trigger.(task.ToastNotificationActionTrigger); ok && (t.Tag == "" || t.Tag == toast.Tag) {
			m.step(engine.Occurred{TaskID: info.TaskID, Details: task.ToastNotificationActionTriggerDetails{ID: id, Action: action, Tag: toast.Tag, UserInput: input}})
		}
	}
}

// Push delivers a push message to a task that has a PushNotificationTrigger.
func (m *Machine) Push(r *bgtask.Registration, content []byte) {
	m.step(engine.Occurred{TaskID: r.TaskID(), Details: task.PushNotificationTriggerDetails{Content: content}})
}

// ShowToast records a toast for Machine.Toasts.
func (s *seat) ShowToast(_ context.Context, t task.Toast, _ string) (task.ToastShown, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.toasts = append(s.toasts, t)
	return task.ToastShown{ID: uint32(len(s.toasts))}, nil
}

// HideToast does nothing. Machine.Toasts keeps the toast.
func (s *seat) HideToast(context.Context, uint32) error { return nil }

// PushChannel returns a channel to which only Machine.Push sends.
func (s *seat) PushChannel(_ context.Context, id task.GUID) (task.PushChannel, error) {
	return task.PushChannel{Endpoint: "https://push.invalid/" + id.String(), Distributor: "org.unifiedpush.Distributor.test"}, nil
}

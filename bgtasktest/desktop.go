package bgtasktest

import (
	"context"
	"slices"

	"github.com/bgtask/bgtask"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// Toasts are those that the application has shown, oldest first. The first one has
// the id 1.
func (m *Machine) Toasts() []bgtask.Toast {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.toasts)
}

// ActOnToast does what the user can do with a toast: click it (DefaultAction), click
// a button, whose key action is, or answer (ReplyAction) with input.
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

// Push brings a push message to a task that has a PushNotificationTrigger.
func (m *Machine) Push(r *bgtask.Registration, content []byte) {
	m.step(engine.Occurred{TaskID: r.TaskID(), Details: task.PushNotificationTriggerDetails{Content: content}})
}

// ShowToast remembers a toast for Machine.Toasts.
func (s *seat) ShowToast(_ context.Context, t task.Toast, _ string) (task.ToastShown, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.toasts = append(s.toasts, t)
	return task.ToastShown{ID: uint32(len(s.toasts))}, nil
}

// HideToast does nothing: nobody sees it.
func (s *seat) HideToast(context.Context, uint32) error { return nil }

// PushChannel is one that only Machine.Push sends to.
func (s *seat) PushChannel(_ context.Context, id task.GUID) (task.PushChannel, error) {
	return task.PushChannel{Endpoint: "https://push.invalid/" + id.String(), Distributor: "org.unifiedpush.Distributor.test"}, nil
}

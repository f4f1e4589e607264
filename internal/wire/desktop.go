package wire

import (
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// ShowToastRequest asks to show a toast. Its Toast is valid.
type ShowToastRequest struct {
	Toast   task.Toast
	Package string // of the command line; "": the caller's
}

var urgencies = map[task.Urgency]pb.ToastUrgency{
	task.UrgencyNormal:   pb.ToastUrgency_TOAST_URGENCY_NORMAL,
	task.UrgencyLow:      pb.ToastUrgency_TOAST_URGENCY_LOW,
	task.UrgencyCritical: pb.ToastUrgency_TOAST_URGENCY_CRITICAL,
}

// ToastTo converts a toast.
func ToastTo(t task.Toast) *pb.Toast {
	m := &pb.Toast{
		Title: text(t.Title), Body: text(t.Body), Icon: text(t.Icon), Tag: text(t.Tag), Reply: text(t.Reply),
		Urgency: urgencies[t.Urgency], Expires: durationTo(t.Expires), Silent: t.Silent,
	}
	for _, a := range t.Actions {
		m.Actions = append(m.Actions, &pb.ToastAction{Key: text(a.Key), Label: text(a.Label)})
	}
	return m
}

// ShowToastRequestFrom converts a request and validates its toast.
func ShowToastRequestFrom(m *pb.ShowToastRequest) (ShowToastRequest, error) {
	r, err := request(m, func(d *decoder, m *pb.ShowToastRequest) ShowToastRequest {
		return ShowToastRequest{Toast: d.toast(m.GetToast()), Package: d.text("package", m.GetPackage(), task.MaxName)}
	})
	if err == nil {
		err = r.Toast.Validate()
	}
	return r, err
}

// toast checks no limits: Validate does.
func (d *decoder) toast(m *pb.Toast) task.Toast {
	t := task.Toast{
		Title: m.GetTitle(), Body: m.GetBody(), Icon: m.GetIcon(), Tag: m.GetTag(), Reply: m.GetReply(),
		Urgency: d.urgency(m.GetUrgency()), Expires: d.duration("expires", m.GetExpires()), Silent: m.GetSilent(),
	}
	for _, a := range m.GetActions() {
		t.Actions = append(t.Actions, task.ToastAction{Key: a.GetKey(), Label: a.GetLabel()})
	}
	return t
}

func (d *decoder) urgency(m pb.ToastUrgency) task.Urgency {
	for u, as := range urgencies {
		if as == m {
			return u
		}
	}
	if m != pb.ToastUrgency_TOAST_URGENCY_UNSPECIFIED {
		d.invalid("urgency", "this version does not know it")
	}
	return task.UrgencyNormal
}

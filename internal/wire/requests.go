package wire

import (
	"time"

	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// Decoded requests, within the limits. The request id, Request, makes repeating a request
// harmless; it is zero if the client gave none.
type (
	// RegisterRequest asks for a registration. Its Spec is valid.
	RegisterRequest struct {
		Request task.GUID
		Spec    task.Spec
		Ensure  bool
		Unique  bool
		Package string // set by the command line; "": the caller's
	}
	// UnregisterRequest removes a registration.
	UnregisterRequest struct {
		Request task.GUID
		TaskID  task.GUID
		Cancel  bool
	}
	// FireRequest fires a registration.
	FireRequest struct {
		Request   task.GUID
		TaskID    task.GUID
		Arguments []byte
		ByHand    bool
		Now       bool
	}
	// RaiseRequest raises an event.
	RaiseRequest struct {
		Request task.GUID
		EventID string
		Payload []byte
	}
	// CancelRequest cancels a live run.
	CancelRequest struct {
		Request task.GUID
		TaskID  task.GUID
		Reason  task.CancellationReason
		Kill    bool
	}
	// SetAccessRequest sets the access status of a package, on behalf of the user.
	SetAccessRequest struct {
		Request task.GUID
		Package string
		Access  task.AccessStatus
	}
	// InstallRequest installs a package, or updates it.
	InstallRequest struct {
		Request        task.GUID
		Path           string
		AllowUnsigned  bool
		AllowDowngrade bool
	}
	// OverrideFactRequest sets a fact, for testing.
	OverrideFactRequest struct {
		Request task.GUID
		Name    string
		Value   task.Value
		For     time.Duration
	}
	// Report is one report of an external source. The first one names the Source.
	Report struct {
		Source string
		Facts  []task.Fact
	}
)

// RegisterRequestFrom converts a request and validates its Spec.
func RegisterRequestFrom(m *pb.RegisterRequest) (RegisterRequest, error) {
	r, err := request(m, func(d *decoder, m *pb.RegisterRequest) RegisterRequest {
		return RegisterRequest{
			Request: d.guid("request_id", m.GetRequestId()),
			Ensure:  m.GetEnsure(),
			Unique:  m.GetUnique(),
			Package: d.text("package", m.GetPackage(), task.MaxName),
		}
	})
	if err == nil {
		r.Spec, err = SpecFrom(m.GetSpec())
	}
	return r, err
}

// UnregisterRequestFrom converts a request.
func UnregisterRequestFrom(m *pb.UnregisterRequest) (UnregisterRequest, error) {
	return request(m, func(d *decoder, m *pb.UnregisterRequest) UnregisterRequest {
		return UnregisterRequest{
			Request: d.guid("request_id", m.GetRequestId()), TaskID: d.need("task_id", m.GetTaskId()), Cancel: m.GetCancelTask(),
		}
	})
}

// FireRequestFrom converts a request.
func FireRequestFrom(m *pb.FireRequest) (FireRequest, error) {
	return request(m, func(d *decoder, m *pb.FireRequest) FireRequest {
		return FireRequest{
			Request:   d.guid("request_id", m.GetRequestId()),
			TaskID:    d.need("task_id", m.GetTaskId()),
			Arguments: d.bytes("arguments", m.GetArguments(), task.MaxPayload),
			ByHand:    m.GetByHand(),
			Now:       m.GetNow(),
		}
	})
}

// RaiseRequestFrom converts a request.
func RaiseRequestFrom(m *pb.RaiseRequest) (RaiseRequest, error) {
	return request(m, func(d *decoder, m *pb.RaiseRequest) RaiseRequest {
		return RaiseRequest{
			Request: d.guid("request_id", m.GetRequestId()),
			EventID: d.required("event_id", m.GetEventId(), task.MaxName),
			Payload: d.bytes("payload", m.GetPayload(), task.MaxPayload),
		}
	})
}

// CancelRequestFrom converts a request.
func CancelRequestFrom(m *pb.CancelRequest) (CancelRequest, error) {
	return request(m, func(d *decoder, m *pb.CancelRequest) CancelRequest {
		reason, err := ReasonFrom(m.GetReason())
		if err != nil {
			d.faults = append(d.faults, err)
		}
		return CancelRequest{
			Request: d.guid("request_id", m.GetRequestId()), TaskID: d.need("task_id", m.GetTaskId()), Reason: reason, Kill: m.GetKill(),
		}
	})
}

// SetAccessRequestFrom converts a request.
func SetAccessRequestFrom(m *pb.SetAccessRequest) (SetAccessRequest, error) {
	return request(m, func(d *decoder, m *pb.SetAccessRequest) SetAccessRequest {
		access, err := AccessFrom(m.GetAccess())
		if err != nil {
			d.faults = append(d.faults, err)
		}
		return SetAccessRequest{
			Request: d.guid("request_id", m.GetRequestId()), Package: d.required("package", m.GetPackage(), task.MaxName), Access: access,
		}
	})
}

// InstallRequestFrom converts a request.
func InstallRequestFrom(m *pb.InstallPackageRequest) (InstallRequest, error) {
	return request(m, func(d *decoder, m *pb.InstallPackageRequest) InstallRequest {
		return InstallRequest{
			Request: d.guid("request_id", m.GetRequestId()), Path: d.required("path", m.GetPath(), task.MaxPath),
			AllowUnsigned: m.GetAllowUnsigned(), AllowDowngrade: m.GetAllowDowngrade(),
		}
	})
}

// OverrideFactRequestFrom converts a request.
func OverrideFactRequestFrom(m *pb.OverrideFactRequest) (OverrideFactRequest, error) {
	return request(m, func(d *decoder, m *pb.OverrideFactRequest) OverrideFactRequest {
		return OverrideFactRequest{
			Request: d.guid("request_id", m.GetRequestId()),
			Name:    d.required("name", m.GetName(), task.MaxName),
			Value:   d.value("value", m.GetValue()),
			For:     d.forward("for", d.duration("for", m.GetFor())),
		}
	})
}

// ReportFrom converts one report. It leaves out the fields that only the broker sets.
func ReportFrom(m *pb.ReportFactsRequest) (Report, error) {
	return request(m, func(d *decoder, m *pb.ReportFactsRequest) Report {
		return Report{
			Source: d.text("source", m.GetSource(), task.MaxName),
			Facts:  list(d, "facts", task.MaxFacts, m.GetFacts(), (*decoder).reported),
		}
	})
}

func (d *decoder) reported(m *pb.Fact) task.Fact {
	return task.Fact{
		Name:   d.required("fact.name", m.GetName(), task.MaxName),
		Value:  d.value("fact.value", m.GetValue()),
		Detail: d.text("fact.detail", m.GetDetail(), task.MaxFactValue),
	}
}

// GUIDFrom converts a required id. The error names it as field.
func GUIDFrom(field, s string) (task.GUID, error) {
	return request(s, func(d *decoder, s string) task.GUID { return d.need(field, s) })
}

// RequestIDFrom converts the id of a request; "" becomes zero.
func RequestIDFrom(s string) (task.GUID, error) {
	return request(s, func(d *decoder, s string) task.GUID { return d.guid("request_id", s) })
}

// TextFrom checks a required text of at most most bytes. The error names it as field.
func TextFrom(field, s string, most int) (string, error) {
	return request(s, func(d *decoder, s string) string { return d.required(field, s, most) })
}

// WithinFrom converts how long a Stop may take; zero means that it was not given.
func WithinFrom(m *pb.StopRequest) (time.Duration, error) {
	return request(m, func(d *decoder, m *pb.StopRequest) time.Duration {
		return d.forward("within", d.duration("within", m.GetWithin()))
	})
}

func (d *decoder) required(field, s string, most int) string {
	if s == "" {
		d.invalid(field, "it is required")
	}
	return d.text(field, s, most)
}

func (d *decoder) forward(field string, t time.Duration) time.Duration {
	if t < 0 || t > task.MaxInterval {
		d.invalid(field, "a duration here is between zero and 50 years")
		return 0
	}
	return t
}

package wire

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

func seed(f *testing.F, messages ...proto.Message) {
	for _, m := range messages {
		b, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
}

// A host's frame is refused, or it is within the limits and unchanged when it is sent
// again.
func FuzzHostFrame(f *testing.F) {
	seed(f,
		HostFrameTo(Hello{Token: task.LaunchToken{1}, Objects: []task.Object{{CLSID: task.GUID{2}}}, Instances: []task.HeldInstance{{Instance: task.GUID{3}, Result: &task.Result{Outcome: task.Failed}}}}),
		HostFrameTo(SaveCheckpoint{Request: task.GUID{1}, Instance: task.GUID{2}, Data: []byte("x")}),
		HostFrameTo(Leave{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m pb.AttachRequest
		if proto.Unmarshal(b, &m) != nil {
			return
		}
		frame, err := HostFrameFrom(&m)
		if err != nil {
			return
		}
		switch frame := frame.(type) {
		case Hello:
			if len(frame.Objects) > task.MaxClasses {
				t.Errorf("%d objects", len(frame.Objects))
			}
		case SaveCheckpoint:
			if len(frame.Data) > task.MaxPayload {
				t.Errorf("%d bytes", len(frame.Data))
			}
		}
		again, err := HostFrameFrom(HostFrameTo(frame))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(frame, again); diff != "" {
			t.Error(diff)
		}
	})
}

// A request to register is refused, or its spec is valid.
func FuzzRegister(f *testing.F) {
	seed(f,
		&pb.RegisterRequest{RequestId: id, Spec: SpecTo(task.Spec{Name: "n", EntryPoint: task.GUID{1}, Trigger: task.CalendarTrigger{Expr: "daily"}})},
		&pb.RegisterRequest{Spec: SpecTo(task.Spec{Name: "n", Trigger: task.DeviceWatcherTrigger{Properties: map[string]string{"a": "b"}}})})
	f.Fuzz(func(t *testing.T, b []byte) {
		var m pb.RegisterRequest
		if proto.Unmarshal(b, &m) != nil {
			return
		}
		r, err := RegisterRequestFrom(&m)
		if err != nil {
			_ = Error("register", Status(err)).Error()
			return
		}
		if err := r.Spec.Validate(); err != nil {
			t.Error(err)
		}
	})
}

// Nothing that a broker sends makes a client panic.
func FuzzAnswers(f *testing.F) {
	seed(f,
		EventTo(task.Event{Kind: task.EventSnapshot, Info: &task.Info{}, Fact: &task.Fact{Name: "n"}, State: &task.State{}}),
		ExplanationTo(task.Explanation{Needs: []task.NeedState{{Facts: []task.Fact{{}}}}}),
		BrokerFrameTo(Activate{task.Activation{Instance: task.GUID{1}, Details: task.ManualDetails{}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		convert(b, EventFrom)
		convert(b, ExplanationFrom)
		convert(b, PackageFrom)
		convert(b, StatusFrom)
		convert(b, BrokerFrameFrom)
		convert(b, OutputFrom)
		convert(b, SimulateQueryFrom)
		convert(b, func(m *pb.SimulateResponse) (s task.Simulation, err error) { return s, SimulationFrom(&s, m) })
	})
}

func convert[M any, P interface {
	*M
	proto.Message
}, T any](b []byte, convert func(P) (T, error)) {
	m := P(new(M))
	if proto.Unmarshal(b, m) == nil {
		_, _ = convert(m)
	}
}

package wire

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/bgtask/bgtask/internal/filled"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// trip converts to the wire, through bytes, and back.
func trip[T any, P proto.Message](t *testing.T, to func(T) P, back func(P) (T, error)) {
	t.Helper()
	f := values
	f.Full = reflect.TypeFor[T]().Kind() == reflect.Interface // frames and other sealed sets need their ids
	filled.RoundTrip(t, f, func(v T) (none T, _ error) {
		m := to(v)
		b, err := proto.Marshal(m)
		if err != nil {
			return none, err
		}
		again := m.ProtoReflect().New().Interface().(P)
		if err := proto.Unmarshal(b, again); err != nil {
			return none, err
		}
		return back(again)
	})
}

func TestRoundTrips(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"spec": func(t *testing.T) {
			trip(t, SpecTo, func(m *pb.Spec) (task.Spec, error) { return answer(m, (*decoder).spec) })
		},
		"trigger": func(t *testing.T) {
			trip(t, triggerTo, func(m *pb.Trigger) (task.Trigger, error) { return answer(m, (*decoder).trigger) })
		},
		"details": func(t *testing.T) {
			trip(t, detailsTo, func(m *pb.Details) (task.Details, error) { return answer(m, (*decoder).details) })
		},
		"host frame":   func(t *testing.T) { trip(t, HostFrameTo, HostFrameFrom) },
		"broker frame": func(t *testing.T) { trip(t, BrokerFrameTo, BrokerFrameFrom) },
		"info":         func(t *testing.T) { trip(t, InfoTo, InfoFrom) },
		"event":        func(t *testing.T) { trip(t, EventTo, EventFrom) },
		"run": func(t *testing.T) {
			trip(t, RunTo, func(m *pb.Run) (task.Run, error) { return answer(m, (*decoder).run) })
		},
		"state": func(t *testing.T) {
			trip(t, StateTo, func(m *pb.State) (task.State, error) { return answer(m, (*decoder).state) })
		},
		"explanation":    func(t *testing.T) { trip(t, ExplanationTo, ExplanationFrom) },
		"fact":           func(t *testing.T) { trip(t, FactTo, FactFrom) },
		"source":         func(t *testing.T) { trip(t, SourceTo, SourceFrom) },
		"package":        func(t *testing.T) { trip(t, PackageTo, PackageFrom) },
		"status":         func(t *testing.T) { trip(t, StatusTo, StatusFrom) },
		"registered":     func(t *testing.T) { trip(t, RegisteredTo, fullOnly(RegisteredFrom)) },
		"installed":      func(t *testing.T) { trip(t, InstalledTo, InstalledFrom) },
		"task query":     func(t *testing.T) { trip(t, TaskQueryTo, TaskQueryFrom) },
		"history query":  func(t *testing.T) { trip(t, HistoryQueryTo, HistoryQueryFrom) },
		"logs query":     func(t *testing.T) { trip(t, LogsQueryTo, LogsQueryFrom) },
		"simulate query": func(t *testing.T) { trip(t, SimulateQueryTo, SimulateQueryFrom) },
		"happening": func(t *testing.T) {
			trip(t, happeningTo, func(m *pb.Happening) (task.Happening, error) { return answer(m, (*decoder).happening) })
		},
		"prospect": func(t *testing.T) {
			trip(t, prospectTo, func(m *pb.Prospect) (task.Prospect, error) { return answer(m, (*decoder).prospect) })
		},
		"watch query": func(t *testing.T) { trip(t, WatchQueryTo, WatchQueryFrom) },
	} {
		t.Run(name, test)
	}
}

// fullOnly adds an id to an answer without one, which would be refused, and removes it
// again.
func fullOnly(f func(*pb.RegisterResponse) (Registered, error)) func(*pb.RegisterResponse) (Registered, error) {
	return func(m *pb.RegisterResponse) (Registered, error) {
		if m.GetTaskId() != "" {
			return f(m)
		}
		m.TaskId = task.CommandClass.String()
		r, err := f(m)
		r.TaskID = task.GUID{}
		return r, err
	}
}

func TestSimulationRoundTrip(t *testing.T) {
	filled.RoundTrip(t, values, func(v task.Simulation) (got task.Simulation, err error) {
		err = SimulationTo(v, func(m *pb.SimulateResponse) error { return SimulationFrom(&got, m) })
		return got, err
	})
}

func TestOutputRoundTrip(t *testing.T) {
	for _, want := range []task.Output{
		{Data: []byte("a line\n\xff")},
		{Launch: &task.Launch{Token: task.LaunchToken{1}, Package: "p", Server: "s", PID: 7, Started: time.Unix(1, 0).UTC(), Ended: time.Unix(2, 0).UTC(), Exit: "exit 3", Cut: true}},
	} {
		got, err := OutputFrom(OutputTo(want))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestEventKeepsItsOffset(t *testing.T) {
	at := time.Date(2026, 11, 20, 8, 0, 0, 0, time.FixedZone("CET", 3600))
	got, err := EventFrom(EventTo(task.Event{Time: at}))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := got.Time.Format(time.RFC3339), at.Format(time.RFC3339); got != want {
		t.Errorf("the time came back as %s, not %s", got, want)
	}
}

// The output of programs and the names of files may be any bytes; the wire accepts UTF-8
// only.
func TestAnyWordsFitTheWire(t *testing.T) {
	run := RunTo(task.Run{Stderr: "caf\xe9", Text: "\xff"})
	if _, err := proto.Marshal(run); err != nil {
		t.Fatal(err)
	}
	if got, want := run.GetStderr(), "caf\uFFFD"; got != want {
		t.Errorf("stderr is %q, not %q", got, want)
	}
}

// The largest activation that the limits allow fits into a message.
func TestLargestActivationFits(t *testing.T) {
	long := func(n int) string { return string(make([]byte, n)) }
	paths := make([]string, task.MaxChangedPaths)
	for i := range paths {
		paths[i] = long(task.MaxPath)
	}
	a := task.Activation{
		Spec: task.Spec{
			Trigger: task.StorageLibraryContentChangedTrigger{Paths: paths[:task.MaxWatchedPaths]},
			Command: &task.Command{Args: []string{long(task.MaxCommandLine)}, Env: []string{long(task.MaxEnvironment)}},
		},
		Details:    task.StorageLibraryContentChangedTriggerDetails{Paths: paths},
		Checkpoint: &task.Checkpoint{Data: make([]byte, task.MaxPayload)},
	}
	m := BrokerFrameTo(Activate{a})
	if size := proto.Size(m); size > task.MaxMessage {
		t.Errorf("the message has %d bytes", size)
	}
	if !m.GetActivate().GetDetails().GetStorageLibraryContentChanged().GetOverflow() {
		t.Error("paths were left out, and nothing says so")
	}
}

// A file name that is not UTF-8 becomes longer on the wire, and must not keep its run
// from starting.
func TestLongPathsThatAreNoText(t *testing.T) {
	bad := "/" + strings.Repeat("a\xff", task.MaxPath/2)
	m := detailsTo(task.StorageLibraryContentChangedTriggerDetails{Paths: []string{"/a", bad}})
	d := &decoder{}
	got := d.details(m)
	want := task.StorageLibraryContentChangedTriggerDetails{Paths: []string{"/a"}, Overflow: true}
	if diff := cmp.Diff(want, got); diff != "" || d.err() != nil {
		t.Errorf("decoded details (-want +got)\n%s%v", diff, d.err())
	}
}

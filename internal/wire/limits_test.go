package wire

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

const id = "14c5882b-35d3-41be-86b2-5106269b97e6"

func TestRequestsAreWithinLimits(t *testing.T) {
	long := strings.Repeat("x", 2<<10)
	big := make([]byte, task.MaxPayload+1)
	objects := make([]*pb.Object, task.MaxClasses+1)
	for i := range objects {
		objects[i] = &pb.Object{Clsid: id}
	}
	frame := func(m *pb.AttachRequest) func() error {
		return func() error { _, err := HostFrameFrom(m); return err }
	}
	for name, c := range map[string]struct {
		convert func() error
		want    error
		says    string
	}{
		"arguments": {func() error { _, err := FireRequestFrom(&pb.FireRequest{TaskId: id, Arguments: big}); return err }, task.ErrLimit, "arguments: it has 65537 bytes; at most 65536"},
		"payload":   {func() error { _, err := RaiseRequestFrom(&pb.RaiseRequest{EventId: "e", Payload: big}); return err }, task.ErrLimit, "payload"},
		"event id":  {func() error { _, err := RaiseRequestFrom(&pb.RaiseRequest{EventId: long}); return err }, task.ErrLimit, "event_id"},
		"no event":  {func() error { _, err := RaiseRequestFrom(&pb.RaiseRequest{}); return err }, task.ErrInvalid, "event_id: it is required"},
		"no task":   {func() error { _, err := FireRequestFrom(&pb.FireRequest{}); return err }, task.ErrInvalid, "task_id: it is required"},
		"zero task": {func() error {
			_, err := FireRequestFrom(&pb.FireRequest{TaskId: task.GUID{}.String()})
			return err
		}, task.ErrInvalid, "task_id"},
		"bad id": {func() error { _, err := RequestIDFrom("14c5"); return err }, task.ErrInvalid, "request_id: it is not a GUID"},
		"reason": {func() error { _, err := CancelRequestFrom(&pb.CancelRequest{TaskId: id, Reason: 201}); return err }, task.ErrInvalid, "number 200"},
		"access": {func() error {
			_, err := SetAccessRequestFrom(&pb.SetAccessRequest{Package: "p", Access: 2})
			return err
		}, task.ErrInvalid, "number 2"},
		"fact name": {func() error { _, err := OverrideFactRequestFrom(&pb.OverrideFactRequest{Name: long}); return err }, task.ErrLimit, "name"},
		"fact value": {func() error {
			_, err := OverrideFactRequestFrom(&pb.OverrideFactRequest{Name: "n", Value: long})
			return err
		}, task.ErrLimit, "value"},
		"negative": {func() error {
			_, err := OverrideFactRequestFrom(&pb.OverrideFactRequest{Name: "n", For: durationpb.New(-1)})
			return err
		}, task.ErrInvalid, "for"},
		"report": {func() error {
			_, err := ReportFrom(&pb.ReportFactsRequest{Facts: make([]*pb.Fact, task.MaxFacts+1)})
			return err
		}, task.ErrLimit, "facts"},
		"time": {func() error {
			_, err := HistoryQueryFrom(&pb.HistoryRequest{Since: &timestamppb.Timestamp{Nanos: -1}})
			return err
		}, task.ErrInvalid, "since"},
		"cursor":        {func() error { _, err := WatchQueryFrom(&pb.WatchRequest{Cursor: "yesterday"}); return err }, task.ErrInvalid, "cursor"},
		"spec":          {func() error { _, err := RegisterRequestFrom(&pb.RegisterRequest{}); return err }, task.ErrInvalid, "nothing to register"},
		"objects":       {frame(&pb.AttachRequest{Frame: &pb.AttachRequest_Hello{Hello: &pb.Hello{Objects: objects}}}), task.ErrLimit, "objects: it has 65 items; at most 64"},
		"no instance":   {frame(&pb.AttachRequest{Frame: &pb.AttachRequest_Accepted{}}), task.ErrInvalid, "instance_id"},
		"checkpoint":    {frame(&pb.AttachRequest{Frame: &pb.AttachRequest_SaveCheckpoint{SaveCheckpoint: &pb.SaveCheckpoint{RequestId: id, InstanceId: id, Data: big}}}), task.ErrLimit, "data"},
		"outcome":       {frame(&pb.AttachRequest{Frame: &pb.AttachRequest_Finished{Finished: &pb.Finished{InstanceId: id, Result: &pb.Result{Outcome: pb.Outcome_OUTCOME_LOST}}}}), task.ErrInvalid, "lost"},
		"no outcome":    {frame(&pb.AttachRequest{Frame: &pb.AttachRequest_Finished{Finished: &pb.Finished{InstanceId: id}}}), task.ErrInvalid, "none"},
		"unknown frame": {frame(&pb.AttachRequest{}), task.ErrInvalid, "frame"},
	} {
		err := c.convert()
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v; want %v that says %q", name, err, c.want, c.says)
		}
	}
}

// A value at its limit passes.
func TestLimitsAreInclusive(t *testing.T) {
	if _, err := FireRequestFrom(&pb.FireRequest{TaskId: id, Arguments: make([]byte, task.MaxPayload)}); err != nil {
		t.Error(err)
	}
	if _, err := RaiseRequestFrom(&pb.RaiseRequest{EventId: strings.Repeat("x", task.MaxName)}); err != nil {
		t.Error(err)
	}
}

// One answer contains all faults.
func TestAllFaultsAreReported(t *testing.T) {
	_, err := FireRequestFrom(&pb.FireRequest{RequestId: "x", TaskId: "y", Arguments: make([]byte, task.MaxPayload+1)})
	for _, field := range []string{"request_id", "task_id", "arguments"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%v does not name %s", err, field)
		}
	}
}

// An answer of a newer broker can be shown, even with long texts and new numbers.
func TestAnswersOfNewerBrokers(t *testing.T) {
	e, err := EventFrom(&pb.Event{Kind: 200, State: &pb.State{Phase: 99}, Info: &pb.TaskInfo{
		Spec: &pb.Spec{Name: strings.Repeat("x", 2<<10)}, Counts: &pb.Counts{ByOutcome: make([]uint64, 20)}}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := e.Kind.String(), "EventKind(200)"; got != want {
		t.Errorf("the kind is %s, not %s", got, want)
	}
	if _, err := EventFrom(&pb.Event{Kind: 1 << 20}); !errors.Is(err, task.ErrInvalid) {
		t.Errorf("a number that does not fit gave %v", err)
	}
}

//go:build linux

package command

import (
	"context"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// desk is a broker that consists only of its ends of the streams.
type desk struct {
	client.Broker
	streams chan *client.Far
}

func (d desk) Attach(ctx context.Context, _ bool) (client.Stream, error) {
	near, far := client.Pipe(ctx)
	d.streams <- far
	return near, nil
}

// A later broker must not send a second run to the process.
func TestAServerThatHasItsRunShowsNoClassToTheNextBroker(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	broker := desk{streams: make(chan *client.Far)}
	token := task.LaunchToken{1}
	served := make(chan error, 1)
	go func() { served <- serve(ctx, broker, token) }()

	far := <-broker.streams
	if hello := receive[wire.Hello](t, far); len(hello.Objects) != 1 || !hello.Objects[0].SingleUse {
		t.Fatalf("the first hello has %v", hello.Objects)
	}
	run := task.Activation{Instance: task.GUID{2}, Spec: task.Spec{Name: "long", Command: &task.Command{Path: "/bin/sh", Args: []string{"-c", "exec sleep 1000"}, Dir: "/"}}}
	send(t, far, wire.Welcome{})
	send(t, far, wire.Activate{Activation: run})
	receive[wire.Accepted](t, far)
	far.Close(task.ErrUnavailable)

	far = <-broker.streams
	hello := receive[wire.Hello](t, far)
	if len(hello.Objects) != 0 || len(hello.Instances) != 1 {
		t.Errorf("the second hello has %v with %v", hello.Objects, hello.Instances)
	}
	send(t, far, wire.Welcome{})
	send(t, far, wire.CancelRun{Instance: run.Instance, Reason: task.ReasonAbort})
	if over := receive[wire.Finished](t, far); over.Result.Outcome != task.Canceled {
		t.Errorf("the result is %v", over.Result)
	}
	send(t, far, wire.Acknowledge{Instance: run.Instance})
	receive[wire.Leave](t, far)
	send(t, far, wire.LeaveConfirmed{})
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// receive reads frames up to the next one of type T.
func receive[T wire.HostFrame](t *testing.T, far *client.Far) T {
	t.Helper()
	for {
		frame, err := far.Recv()
		if err != nil {
			t.Fatalf("the stream ended before %T: %v", *new(T), err)
		}
		if f, ok := frame.(T); ok {
			return f
		}
	}
}

// send sends a frame to the server.
func send(t *testing.T, far *client.Far, frame wire.BrokerFrame) {
	t.Helper()
	if err := far.Send(frame); err != nil {
		t.Fatal(err)
	}
}

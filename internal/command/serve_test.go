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

// desk is a broker that is nothing but its end of the streams.
type desk struct {
	client.Broker
	streams chan *client.Far
}

func (d desk) Attach(ctx context.Context, _ bool) (client.Stream, error) {
	near, far := client.Pipe(ctx)
	d.streams <- far
	return near, nil
}

// The next broker must not send the one process of a run another one.
func TestAServerThatHasItsRunShowsNoClassToTheNextBroker(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	broker := desk{streams: make(chan *client.Far)}
	token := task.LaunchToken{1}
	served := make(chan error, 1)
	go func() { served <- serve(ctx, broker, token) }()

	far := <-broker.streams
	if hello := hear[wire.Hello](t, far); len(hello.Objects) != 1 || !hello.Objects[0].SingleUse {
		t.Fatalf("it begins with %v", hello.Objects)
	}
	run := task.Activation{Instance: task.GUID{2}, Spec: task.Spec{Name: "long", Command: &task.Command{Path: "/bin/sh", Args: []string{"-c", "exec sleep 1000"}, Dir: "/"}}}
	far.Send(wire.Welcome{})
	far.Send(wire.Activate{Activation: run})
	hear[wire.Accepted](t, far)
	far.Close(task.ErrUnavailable)

	far = <-broker.streams
	hello := hear[wire.Hello](t, far)
	if len(hello.Objects) != 0 || len(hello.Instances) != 1 {
		t.Errorf("the next broker is shown %v with %v", hello.Objects, hello.Instances)
	}
	far.Send(wire.Welcome{})
	far.Send(wire.CancelRun{Instance: run.Instance, Reason: task.ReasonAbort})
	if over := hear[wire.Finished](t, far); over.Result.Outcome != task.Canceled {
		t.Errorf("it ended %v", over.Result)
	}
	far.Send(wire.Acknowledge{Instance: run.Instance})
	hear[wire.Leave](t, far)
	far.Send(wire.LeaveConfirmed{})
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// hear reads to the next frame of a kind.
func hear[T wire.HostFrame](t *testing.T, far *client.Far) T {
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

//go:build linux

package rpc

import (
	"context"

	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/engine"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// GetPushChannel returns the address to which push messages for a registration are sent.
// It waits until there is one.
func (s *service) GetPushChannel(ctx context.Context, m *pb.GetPushChannelRequest) (*pb.GetPushChannelResponse, error) {
	id, c, err := request(ctx, s, m, taskIDFrom)
	if err != nil {
		return nil, err
	}
	info, err := s.find(ctx, c, id)
	if err != nil {
		return nil, err
	}
	if _, ok := info.Spec.Trigger.(task.PushNotificationTrigger); !ok {
		return nil, &task.Error{Subject: info.Spec.Name, Err: task.ErrInvalid, Detail: "push messages do not fire this task: it has a " + info.Spec.Trigger.Class(),
			Hint: "only a task with a PushNotificationTrigger has a push channel; for a command: bgtask add NAME --on push -- COMMAND"}
	}
	if err := s.checkFed(ctx, info.Spec.Trigger.Class()); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer context.AfterFunc(s.Loop.Life(), func() { cancel(loop.ErrOver) })()
	defer cancel(nil)
	channel, err := s.Watches.Push().Channel(ctx, id)
	return &pb.GetPushChannelResponse{Endpoint: channel.Endpoint, Distributor: channel.Distributor}, err
}

// checkFed returns an error when the source that feeds a class of triggers is missing, so
// that waiting for it would be in vain.
func (s *service) checkFed(ctx context.Context, class string) (err error) {
	failed := s.Loop.Query(ctx, func(state loop.State, _ engine.Instant) {
		for _, s := range state.Sources() {
			if len(s.Triggers) == 1 && s.Triggers[0] == class && (s.Status == task.SourceNotHere || s.Status == task.SourceGone) {
				err = &task.Error{Subject: class, Err: task.ErrNotSupported, Detail: s.Detail, Hint: s.Remedy}
			}
		}
	})
	if failed != nil {
		return failed
	}
	return err
}

//go:build linux

package broker

import (
	"context"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// GetPushChannel tells where push messages for a registration are sent to, and waits
// until there is such a place.
func (s *service) GetPushChannel(ctx context.Context, m *pb.GetPushChannelRequest) (*pb.GetPushChannelResponse, error) {
	b := s.broker
	id, err := wire.GUIDFrom("task_id", m.GetTaskId())
	if err != nil {
		return nil, err
	}
	w, err := b.who(ctx)
	if err != nil {
		return nil, err
	}
	info, err := b.find(ctx, w, id)
	if err != nil {
		return nil, err
	}
	if _, ok := info.Spec.Trigger.(task.PushNotificationTrigger); !ok {
		return nil, &task.Error{Subject: info.Spec.Name, Err: task.ErrInvalid, Detail: "it has a " + info.Spec.Trigger.Class() + ", so no push message fires it",
			Hint: "a push channel belongs to a task with a PushNotificationTrigger; for a command: bgtask add NAME --on push -- COMMAND"}
	}
	if err := b.fed(ctx, info.Spec.Trigger.Class()); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer context.AfterFunc(b.life, func() { cancel(errOver) })()
	defer cancel(nil)
	channel, err := b.watches.push.Channel(ctx, id)
	return &pb.GetPushChannelResponse{Endpoint: channel.Endpoint, Distributor: channel.Distributor}, err
}

// fed refuses to wait for what feeds a trigger when that is not there.
func (b *broker) fed(ctx context.Context, class string) (err error) {
	failed := b.query(ctx, func(engine.Instant) {
		for _, s := range b.engine.Sources() {
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

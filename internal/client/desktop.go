package client

import (
	"context"

	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// ShowToast shows a toast. pkg is set by the command line: the package that owns the
// toast; "" is the caller's.
func (c *Client) ShowToast(ctx context.Context, t task.Toast, pkg string) (task.ToastShown, error) {
	m := &pb.ShowToastRequest{Toast: wire.ToastTo(t), Package: pkg}
	r, err := call(ctx, c, "show toast", func(l *link) (*pb.ShowToastResponse, error) { return l.broker.ShowToast(ctx, m) })
	return task.ToastShown{ID: r.GetId(), Warnings: r.GetWarnings()}, err
}

// HideToast removes a toast from the screen.
func (c *Client) HideToast(ctx context.Context, id uint32) error {
	m := &pb.HideToastRequest{Id: id}
	_, err := call(ctx, c, "hide toast", func(l *link) (*pb.HideToastResponse, error) { return l.broker.HideToast(ctx, m) })
	return err
}

// PushChannel returns the address to which push messages for a registration are sent,
// and waits until there is one.
func (c *Client) PushChannel(ctx context.Context, id task.GUID) (task.PushChannel, error) {
	m := &pb.GetPushChannelRequest{TaskId: id.String()}
	r, err := call(ctx, c, "push channel", func(l *link) (*pb.GetPushChannelResponse, error) { return l.broker.GetPushChannel(ctx, m) })
	return task.PushChannel{Endpoint: r.GetEndpoint(), Distributor: r.GetDistributor()}, err
}

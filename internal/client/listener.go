package client

import (
	"context"
	"errors"
	"os"

	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// socketBroker is a Broker that holds listening sockets for its tasks.
type socketBroker interface {
	Listener(ctx context.Context, instance task.GUID) (*os.File, error)
}

var _ socketBroker = (*Client)(nil)

// Listener returns the listening socket of a live run of this process. The caller
// closes the file.
func (c *Client) Listener(ctx context.Context, instance task.GUID) (*os.File, error) {
	l, err := c.connect()
	if err != nil {
		return nil, refused("take the listener", err)
	}
	file, err := wire.Borrow(ctx, l.socket, instance)
	return file, refused("take the listener", err)
}

// Listener returns the listening socket of a run of the host. It waits while the broker
// is away or has not opened the socket again.
func (h *Host) Listener(ctx context.Context, instance task.GUID) (*os.File, error) {
	l, ok := h.Broker.(socketBroker)
	if !ok {
		return nil, &task.Error{Op: "take the listener", Err: task.ErrNotSupported, Detail: "this broker holds no sockets"}
	}
	var pace pace
	for {
		file, err := l.Listener(ctx, instance)
		if !errors.Is(err, task.ErrUnavailable) || !pace.wait(ctx) {
			return file, err
		}
	}
}

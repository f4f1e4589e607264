package bgtask

import (
	"context"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/task"
)

// Notifications of the application, and push messages to it.
type (
	// Toast is a notification that the desktop shows for the application.
	Toast = task.Toast
	// ToastAction is a button of a toast.
	ToastAction = task.ToastAction
	// Urgency says how much a toast wants the user's attention.
	Urgency = task.Urgency
	// PushChannel is where the application's server sends push messages to.
	PushChannel = task.PushChannel
)

// The urgencies of a toast.
const (
	UrgencyNormal   = task.UrgencyNormal
	UrgencyLow      = task.UrgencyLow      // it can wait
	UrgencyCritical = task.UrgencyCritical // it stays until the user has seen it
)

// Actions that no button of the application's has.
const (
	DefaultAction = task.DefaultAction // the user clicked the toast itself
	ReplyAction   = task.ReplyAction   // the user answered, see Toast.Reply
)

// ShowToast shows a notification and gives its id. What the user does with it fires
// the application's ToastNotificationActionTriggers, also when the application has
// ended meanwhile. A toast with buttons or a reply is refused with ErrNotRegistered
// when the application has no such task: nothing would happen.
//
// A desktop that cannot show all of it is told in the log; without a field for an
// answer the reply is a button, and UserInput is "". Of an application 20 toasts are
// shown at once; the oldest goes when there is one more. The buttons of a toast that
// is still shown when the broker is started again can be dead: most desktops tell
// only the connection that sent it.
func (c *Client) ShowToast(ctx context.Context, t Toast) (id uint32, err error) {
	if err := t.Validate(); err != nil {
		return 0, err
	}
	err = c.do(func(b client.Broker) error {
		shown, err := b.ShowToast(ctx, t, "")
		id = shown.ID
		c.warn("toast", shown.Warnings)
		return err
	})
	return id, err
}

// HideToast takes a toast of the application away. One that is gone is no error.
func (c *Client) HideToast(ctx context.Context, id uint32) error {
	return c.do(func(b client.Broker) error { return b.HideToast(ctx, id) })
}

// ShowToast shows a notification with DefaultClient.
func ShowToast(ctx context.Context, t Toast) (id uint32, err error) {
	return DefaultClient.ShowToast(ctx, t)
}

// HideToast takes a notification away with DefaultClient.
func HideToast(ctx context.Context, id uint32) error { return DefaultClient.HideToast(ctx, id) }

// PushChannel tells where the application's server sends push messages to which
// fire this task: it has to have a PushNotificationTrigger. It waits until the
// distributor has given an address, or ctx ends.
func (r *Registration) PushChannel(ctx context.Context) (channel PushChannel, err error) {
	err = r.client.do(func(b client.Broker) error {
		channel, err = b.PushChannel(ctx, r.id)
		return err
	})
	return channel, err
}

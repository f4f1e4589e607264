package bgtask

import (
	"context"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/task"
)

// Types of notifications and push channels.
type (
	// Toast is a notification that the desktop shows for the application.
	Toast = task.Toast
	// ToastAction is a button of a toast.
	ToastAction = task.ToastAction
	// Urgency is how urgently a toast needs the user's attention.
	Urgency = task.Urgency
	// PushChannel is the address to which the application's server sends push messages.
	PushChannel = task.PushChannel
)

// Urgencies of a toast.
const (
	UrgencyNormal   = task.UrgencyNormal
	UrgencyLow      = task.UrgencyLow      // it can wait
	UrgencyCritical = task.UrgencyCritical // it stays until the user has seen it
)

// Actions that are not the key of a button.
const (
	DefaultAction = task.DefaultAction // the user clicked the toast itself
	ReplyAction   = task.ReplyAction   // the user replied, see Toast.Reply
)

// ShowToast shows a notification and returns its ID. When the user clicks it, presses
// a button or replies, the application's ToastNotificationActionTriggers fire, even if
// the application has ended. A toast with buttons or a reply fails with
// ErrNotRegistered if the application has no such task, since nothing would happen.
//
// If the desktop cannot show everything, the Client logs a warning. On a desktop
// without text input, the reply becomes a button and UserInput is "". At most 20
// toasts of an application are shown; one more replaces the oldest. After a restart of
// the broker, the buttons of a toast that is still shown may do nothing: most desktops
// report clicks only to the connection that sent the toast.
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

// HideToast removes a toast of the application. It returns nil if the toast is already
// gone.
func (c *Client) HideToast(ctx context.Context, id uint32) error {
	return c.do(func(b client.Broker) error { return b.HideToast(ctx, id) })
}

// ShowToast shows a notification with DefaultClient.
func ShowToast(ctx context.Context, t Toast) (id uint32, err error) {
	return DefaultClient.ShowToast(ctx, t)
}

// HideToast removes a notification with DefaultClient.
func HideToast(ctx context.Context, id uint32) error { return DefaultClient.HideToast(ctx, id) }

// PushChannel returns the address to which the application's server sends the push
// messages that fire this task, which must have a PushNotificationTrigger. It waits
// until the push distributor has assigned an address, or ctx ends. The address is a
// secret and can change; ask again at each start.
func (r *Registration) PushChannel(ctx context.Context) (channel PushChannel, err error) {
	err = r.client.do(func(b client.Broker) error {
		channel, err = b.PushChannel(ctx, r.id)
		return err
	})
	return channel, err
}

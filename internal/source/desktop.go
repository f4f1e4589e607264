//go:build linux

package source

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"
	"github.com/google/renameio/v2"

	"github.com/bgtask/bgtask/task"
)

// desktop is a notification service on one bus connection, with the toasts that
// it is showing.
//
// The notification service numbers toasts per process, so the list is valid only
// while the same process owns the name. It is also saved to a file: a broker that
// starts later can still recognize clicks on the toasts of its predecessor.
type desktop struct {
	peer
	signals signals
	file    string
	busID   string
	can     []string // its capabilities; nil until asked
	shown   []shown  // oldest first
}

// shown is a toast on the screen that the user may act on.
type shown struct {
	ID     uint32 `json:"id"`
	Family string `json:"package"`
	Tag    string `json:"tag,omitempty"`
	token  string // activation token for the action that follows
}

// checkOwner updates which process serves the notifications. If it is another
// one, the toasts of the previous one are gone. If no process serves and none can
// be started, it returns an error.
func (d *desktop) checkOwner(ctx context.Context) error {
	owner, err := d.nameOwner(ctx)
	switch {
	case err != nil && !isDBusError(err, errNoOwner):
		return d.explain(ctx, err)
	case err != nil && !d.activatable(ctx):
		if d.serve != "" {
			return d.left()
		}
		missing := d.missing
		return &missing
	}
	if owner != d.serve {
		d.serve, d.can, d.shown = owner, nil, nil
		d.save()
	}
	return nil
}

// load restores the list of an earlier connection if the same process still
// serves.
func (d *desktop) load(ctx context.Context) {
	if d.call(ctx, busName, busPath, busName+".GetId", []any{&d.busID}) != nil {
		return
	}
	var kept keptToasts
	data, err := os.ReadFile(d.file)
	if err == nil && json.Unmarshal(data, &kept) == nil && kept.Bus == d.busID && kept.Desktop == d.serve && d.serve != "" {
		d.shown = kept.Shown
	}
}

// keptToasts is the content of the file. Bus and Desktop identify the process for
// which the toasts' ids are valid.
type keptToasts struct {
	Bus     string  `json:"bus"`
	Desktop string  `json:"desktop"`
	Shown   []shown `json:"shown"`
}

// save writes the list, as a best effort. If it fails, clicks on toasts that
// outlive the broker are lost.
func (d *desktop) save() {
	if d.busID == "" {
		return
	}
	if data, err := json.Marshal(keptToasts{d.busID, d.serve, d.shown}); err == nil {
		_ = renameio.WriteFile(d.file, data, 0o600)
	}
}

// ask calls a method. The call may start the service.
func (d *desktop) ask(ctx context.Context, method string, results []any, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, activateTimeout)
	defer cancel()
	err := d.conn.Object(notifyName, notifyPath).CallWithContext(ctx, notifyName+"."+method, 0, args...).Store(results...)
	if err != nil {
		return d.explain(ctx, err)
	}
	return nil
}

// show shows a toast, replaces the one with the same package and tag, and saves
// the list.
func (d *desktop) show(ctx context.Context, family, app string, t task.Toast, clicks bool) (task.ToastShown, error) {
	if d.can == nil {
		if err := d.ask(ctx, "GetCapabilities", []any{&d.can}); err != nil {
			return task.ToastShown{}, err
		}
		if err := d.checkOwner(ctx); err != nil { // the call may have started it
			return task.ToastShown{}, err
		}
	}
	out := task.ToastShown{Warnings: d.lacks(t)}
	expires := int32(-1)
	if t.Expires > 0 {
		expires = int32(t.Expires.Milliseconds())
	}
	hints := map[string]dbus.Variant{"urgency": dbus.MakeVariant(urgencyBytes[t.Urgency]), "suppress-sound": dbus.MakeVariant(t.Silent)}
	err := d.ask(ctx, "Notify", []any{&out.ID}, app, d.replaced(family, t.Tag), t.Icon, t.Title, d.body(t.Body), buttons(t, clicks), hints, expires)
	if err != nil {
		return task.ToastShown{}, err
	}
	d.forget(out.ID)
	d.shown = append(d.shown, shown{ID: out.ID, Family: family, Tag: t.Tag})
	d.makeRoom(ctx, family)
	d.save()
	return out, nil
}

var urgencyBytes = map[task.Urgency]byte{task.UrgencyLow: 0, task.UrgencyNormal: 1, task.UrgencyCritical: 2}

// lacks returns a warning for each part of the toast that the desktop cannot
// show.
func (d *desktop) lacks(t task.Toast) []string {
	var all []string
	lack := func(wanted bool, capability, text string) {
		if wanted && !slices.Contains(d.can, capability) {
			all = append(all, text)
		}
	}
	lack(t.Body != "", "body", "this desktop shows only the title, not the body")
	lack(t.Acts(), "actions", "this desktop does not show buttons")
	lack(t.Reply != "", "inline-reply", "this desktop does not accept text replies; the reply is shown as a button")
	return all
}

var escapeMarkup = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// body escapes plain text for a desktop that interprets markup.
func (d *desktop) body(s string) string {
	if slices.Contains(d.can, "body-markup") {
		return escapeMarkup.Replace(s)
	}
	return s
}

// buttons returns the keys and labels of the buttons, alternating, as Notify
// expects.
func buttons(t task.Toast, clicks bool) []string {
	all := []string{}
	if clicks {
		all = append(all, task.DefaultAction, "")
	}
	for _, a := range t.Actions {
		all = append(all, a.Key, a.Label)
	}
	if t.Reply != "" {
		all = append(all, task.ReplyAction, t.Reply)
	}
	return all
}

// replaced returns the id of the package's toast with this tag, or zero.
func (d *desktop) replaced(family, tag string) uint32 {
	for _, s := range d.shown {
		if tag != "" && s.Family == family && s.Tag == tag {
			return s.ID
		}
	}
	return 0
}

// makeRoom hides the oldest toasts of a package until it has at most
// task.MaxToasts.
func (d *desktop) makeRoom(ctx context.Context, family string) {
	var own []uint32
	for _, s := range d.shown {
		if s.Family == family {
			own = append(own, s.ID)
		}
	}
	for len(own) > task.MaxToasts {
		_ = d.hide(ctx, family, own[0])
		own = own[1:]
	}
}

// hide removes a toast. An empty family matches any package. A toast that is not
// shown is no error.
func (d *desktop) hide(ctx context.Context, family string, id uint32) error {
	i := d.index(id)
	if i < 0 || family != "" && d.shown[i].Family != family {
		return nil
	}
	d.forget(id)
	d.save()
	err := d.ask(ctx, "CloseNotification", nil, id)
	if said := (dbus.Error{}); errors.As(err, &said) { // it is gone already
		return nil
	}
	return err
}

func (d *desktop) index(id uint32) int {
	return slices.IndexFunc(d.shown, func(s shown) bool { return s.ID == id })
}

func (d *desktop) forget(id uint32) {
	d.shown = slices.DeleteFunc(d.shown, func(s shown) bool { return s.ID == id })
}

// readSignal interprets a signal of the desktop. The details are nil unless the
// user acted on one of our toasts.
func (d *desktop) readSignal(sig *dbus.Signal) (shown, *task.ToastNotificationActionTriggerDetails) {
	if sig.Sender != d.serve || len(sig.Body) != 2 {
		return shown{}, nil
	}
	id, _ := sig.Body[0].(uint32)
	i := d.index(id)
	if i < 0 {
		return shown{}, nil // another program's toast
	}
	t := &d.shown[i]
	details := task.ToastNotificationActionTriggerDetails{ID: id, Tag: t.Tag, ActivationToken: t.token}
	word, _ := sig.Body[1].(string)
	switch strings.TrimPrefix(sig.Name, notifyName+".") {
	case "ActivationToken":
		if len(word) <= task.MaxFactValue {
			t.token = word
		}
		return *t, nil
	case "ActionInvoked":
		if len(word) > task.MaxName { // longer than any button key of ours
			return shown{}, nil
		}
		details.Action = word
	case "NotificationReplied":
		details.Action, details.UserInput = task.ReplyAction, word
	case "NotificationClosed":
		d.forget(id)
		d.save()
		return shown{}, nil
	default:
		return *t, nil
	}
	t.token = ""
	return *t, &details
}

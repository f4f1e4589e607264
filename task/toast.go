package task

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
)

// Toast is a notification that the desktop shows for an application. What the user
// does with it fires the application's ToastNotificationActionTriggers.
type Toast struct {
	Title   string // one line; required
	Body    string // plain text
	Icon    string // name of an icon of the theme, or absolute path of a picture
	Tag     string // a toast of the application with the same tag is replaced
	Actions []ToastAction
	Reply   string // label of a button that takes an answer; "": none
	Urgency Urgency
	Expires time.Duration // when it goes by itself; zero: as the desktop thinks right
	Silent  bool          // without a sound
}

// ToastAction is a button of a toast.
type ToastAction struct {
	Key   string // what Run gets as ToastNotificationActionTriggerDetails.Action
	Label string // what is written on it
}

// Actions that no button of the application's has.
const (
	DefaultAction = "default"      // the user clicked the toast itself
	ReplyAction   = "inline-reply" // the user answered, see Toast.Reply
)

// Urgency says how much a toast wants the user's attention.
type Urgency uint8

// The urgencies.
const (
	UrgencyNormal   Urgency = iota
	UrgencyLow              // it can wait
	UrgencyCritical         // it stays until the user has seen it
)

var urgencyNames = [...]string{"normal", "low", "critical"}

// String is the word of the command line.
func (u Urgency) String() string { return nameOf(urgencyNames[:], int(u), "Urgency") }

// ParseUrgency finds an urgency by its word.
func ParseUrgency(s string) (Urgency, error) {
	i, err := indexOf(urgencyNames[:], s, "urgency")
	return Urgency(i), err
}

// maxToastExpires is what the desktop's protocol can say: 31 bits of milliseconds.
const maxToastExpires = 24 * 24 * time.Hour

// ToastShown is a toast that is shown.
type ToastShown struct {
	ID       uint32   // the desktop's
	Warnings []string // what this desktop cannot show
}

// Acts says whether the toast asks something of the user.
func (t Toast) Acts() bool { return len(t.Actions) > 0 || t.Reply != "" }

// Validate returns all faults of t joined, or nil.
func (t Toast) Validate() error {
	f := &faults{subject: "toast"}
	if strings.TrimSpace(t.Title) == "" {
		f.add(ErrInvalid, "the toast has no title", "set Title to what happened, in one line")
	}
	f.text("the title", t.Title, MaxFactValue)
	f.prose("the body", t.Body, MaxToastBody)
	f.text("the icon", t.Icon, MaxPath)
	if strings.Contains(t.Icon, "/") && !path.IsAbs(t.Icon) {
		f.add(ErrInvalid, fmt.Sprintf("the icon %q is neither a name nor an absolute path", clip(t.Icon, 64)), "the broker has another working directory: give the whole path")
	}
	f.text("the tag", t.Tag, MaxName)
	f.text("the label of the reply", t.Reply, MaxName)
	f.actions(t.Actions)
	if t.Urgency > UrgencyCritical {
		f.add(ErrInvalid, fmt.Sprintf("there is no urgency number %d", t.Urgency), "it is UrgencyNormal, UrgencyLow or UrgencyCritical")
	}
	if t.Expires != 0 {
		f.between("Expires", t.Expires, time.Millisecond)
	}
	if t.Expires > maxToastExpires {
		f.add(ErrLimit, fmt.Sprintf("Expires is longer than 24 days: %s", t.Expires), "make it shorter; UrgencyCritical stays until the user has seen it")
	}
	return errors.Join(f.errs...)
}

func (f *faults) actions(actions []ToastAction) {
	if n := len(actions); n > MaxToastActions {
		f.add(ErrLimit, fmt.Sprintf("%d buttons; at most %d are allowed", n, MaxToastActions), "leave the rare ones to the application")
		return
	}
	seen := map[string]bool{}
	for _, a := range actions {
		switch {
		case a.Key == "" || a.Label == "":
			f.add(ErrInvalid, "a button needs a key and a label", `such as {Key: "open", Label: "Open it"}`)
		case a.Key == DefaultAction || a.Key == ReplyAction:
			f.add(ErrInvalid, fmt.Sprintf("the key %q means something else", a.Key), "a click on the toast itself has the first; Reply makes the second")
		case seen[a.Key]:
			f.add(ErrInvalid, fmt.Sprintf("two buttons have the key %q", clip(a.Key, 64)), "Run could not distinguish them")
		}
		seen[a.Key] = true
		f.text("the key of a button", a.Key, MaxName)
		f.text("the label of a button", a.Label, MaxName)
	}
}

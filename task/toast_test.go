package task

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestToasts(t *testing.T) {
	good := Toast{
		Title: "The build failed", Body: "12 tests\n\tfailed", Icon: "/usr/share/pixmaps/x.png", Tag: "build", Reply: "Answer", Expires: time.Minute,
		Actions: []ToastAction{{"log", "Show the log"}, {"again", "Try again"}}, Urgency: UrgencyCritical,
	}
	if err := good.Validate(); err != nil {
		t.Errorf("refused: %v", err)
	}
	for _, tt := range []struct {
		name   string
		change func(*Toast)
		want   error
		text   string
	}{
		{"no title", func(t *Toast) { t.Title = " " }, ErrInvalid, "no title"},
		{"two lines of title", func(t *Toast) { t.Title = "a\nb" }, ErrInvalid, "the title"},
		{"long body", func(t *Toast) { t.Body = strings.Repeat("a", MaxToastBody+1) }, ErrLimit, "the body"},
		{"control characters", func(t *Toast) { t.Body = "a\x1b[0m" }, ErrInvalid, "the body"},
		{"relative icon", func(t *Toast) { t.Icon = "a/b.png" }, ErrInvalid, "absolute path"},
		{"six buttons", func(t *Toast) { t.Actions = make([]ToastAction, 6) }, ErrLimit, "6 buttons"},
		{"a button without a label", func(t *Toast) { t.Actions[0].Label = "" }, ErrInvalid, "a key and a label"},
		{"the default button", func(t *Toast) { t.Actions[0].Key = DefaultAction }, ErrInvalid, "means something else"},
		{"twins", func(t *Toast) { t.Actions[1].Key = "log" }, ErrInvalid, "two buttons"},
		{"urgency", func(t *Toast) { t.Urgency = 3 }, ErrInvalid, "urgency number 3"},
		{"too soon", func(t *Toast) { t.Expires = time.Microsecond }, ErrInvalid, "Expires"},
		{"too late", func(t *Toast) { t.Expires = 25 * 24 * time.Hour }, ErrLimit, "24 days"},
	} {
		toast := good
		toast.Actions = append([]ToastAction(nil), good.Actions...)
		tt.change(&toast)
		if err := toast.Validate(); !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) || Hint(err) == "" {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

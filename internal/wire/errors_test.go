package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/bgtask/bgtask/task"
)

func TestEverySentinelCrosses(t *testing.T) {
	for _, code := range task.Codes() {
		sentinel := task.Sentinel(code)
		for name, err := range map[string]error{
			"bare":    sentinel,
			"wrapped": fmt.Errorf("while writing: %w", sentinel),
			"error":   &task.Error{Op: "register", Subject: "a/b", Err: sentinel, Detail: "it is so", Hint: "do that"},
		} {
			got := Error("op", Status(err))
			if !errors.Is(got, sentinel) || task.Code(got) != code {
				t.Errorf("%s %s came back as %v", name, code, got)
			}
		}
		if codeOf(code) == codes.Internal && sentinel != task.ErrInternal {
			t.Errorf("%s has no row in the table", code)
		}
	}
}

func TestErrorsKeepTheirWords(t *testing.T) {
	want := &task.Error{Op: "register", Subject: "SyncNotes", Err: task.ErrLimit, Detail: "the name has 300 bytes", Hint: "choose a shorter one"}
	got := Error("other", Status(want))
	if got.Error() != want.Error() || task.Hint(got) != want.Hint {
		t.Errorf("came back as %q with hint %q", got, task.Hint(got))
	}
	if got := Error("fire", Status(task.ErrBusy)); got.Error() != "fire: the broker is busy" {
		t.Errorf("a bare sentinel came back as %q", got)
	}
	if got := Error("fire", Status(fmt.Errorf("no room: %w", task.ErrBusy))); got.Error() != "fire: no room: the broker is busy" {
		t.Errorf("a wrapped sentinel came back as %q", got)
	}
}

func TestJoinedErrorsStayApart(t *testing.T) {
	spec := task.Spec{Name: "a/b"}
	want := spec.Validate()
	got := Error("register", Status(&task.Error{Op: "register", Err: want}))
	joined, ok := got.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("came back as one: %v", got)
	}
	if n, m := len(joined.Unwrap()), len(want.(interface{ Unwrap() []error }).Unwrap()); n != m {
		t.Errorf("%d faults came back as %d", m, n)
	}
	for _, each := range joined.Unwrap() {
		if !strings.HasPrefix(each.Error(), `register: "a/b"`) && !strings.HasPrefix(each.Error(), "register: a/b") {
			t.Errorf("%q does not say of what it is", each)
		}
	}
}

func TestExpiredCursorNamesTheOldest(t *testing.T) {
	got := Error("watch", Status(&task.Error{Op: "watch", Err: &task.CursorError{Oldest: "17"}}))
	var expired *task.CursorError
	if !errors.As(got, &expired) || expired.Oldest != "17" || !errors.Is(got, task.ErrCursorExpired) {
		t.Errorf("came back as %#v", got)
	}
}

func TestErrorsThatAreNotOurs(t *testing.T) {
	for _, c := range []struct {
		err  error
		want error
	}{
		{context.Canceled, context.Canceled},
		{fmt.Errorf("too late: %w", context.DeadlineExceeded), context.DeadlineExceeded},
		{io.ErrUnexpectedEOF, task.ErrInternal},
		{status.Error(codes.ResourceExhausted, "message larger than max"), task.ErrLimit},
		{status.Error(codes.Unimplemented, "unknown method"), task.ErrNotSupported},
		{status.Error(codes.Unavailable, "connection refused"), task.ErrUnavailable},
	} {
		if got := Error("op", Status(c.err)); !errors.Is(got, c.want) {
			t.Errorf("%v came back as %v", c.err, got)
		}
	}
	if Error("op", nil) != nil || Status(nil) != nil {
		t.Error("nil became an error")
	}
}

func TestClip(t *testing.T) {
	s := Clip(strings.Repeat("\u00e9", task.MaxErrorText))
	if len(s) > task.MaxErrorText || !strings.HasSuffix(s, "\u00e9 ...") {
		t.Errorf("%d bytes, ending in %q", len(s), s[len(s)-8:])
	}
	if got := Clip("short"); got != "short" {
		t.Errorf("%q", got)
	}
}

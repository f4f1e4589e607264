package task

import (
	"errors"
	"fmt"
	"testing"
)

func TestHint(t *testing.T) {
	plain := &Error{Op: "add", Subject: "backup", Err: ErrInvalid}
	hinted := &Error{Err: ErrLimit, Detail: "too long", Hint: "shorten it"}
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"nil", nil, ""},
		{"not ours", errors.New("x"), ""},
		{"ours", hinted, "shorten it"},
		{"wrapped", fmt.Errorf("add: %w", hinted), "shorten it"},
		{"under one without", &Error{Op: "add", Err: hinted}, "shorten it"},
		{"the outer one counts", &Error{Hint: "ask", Err: hinted}, "ask"},
		{"joined, the first has none", errors.Join(plain, errors.New("x"), hinted), "shorten it"},
		{"joined, none has one", errors.Join(plain, plain), ""},
	}
	for _, tt := range tests {
		if got := Hint(tt.err); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	if got, want := plain.Error(), "add: backup: invalid argument"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

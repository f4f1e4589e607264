package task

import (
	"fmt"
	"strconv"
)

// Cursor returns the position of e in history. Watch takes it to continue after e.
func (e Event) Cursor() Cursor { return Cursor(strconv.FormatUint(e.Seq, 10)) }

// Seq returns the sequence number in c, or an error if c is not a cursor.
func (c Cursor) Seq() (uint64, error) {
	n, err := strconv.ParseUint(string(c), 10, 64)
	if err != nil {
		return 0, &Error{Op: "watch", Subject: clip(string(c), 64), Err: ErrInvalid,
			Detail: "this is not a cursor", Hint: "a cursor is what Event.Cursor gave"}
	}
	return n, nil
}

// CursorError wraps ErrCursorExpired and holds the oldest cursor that is still valid. A
// cursor beyond the last stored event has expired, too; the *Error around this one then
// says so.
type CursorError struct{ Oldest Cursor }

// Error returns a text that names the oldest cursor.
func (e *CursorError) Error() string {
	return fmt.Sprintf("%v; the oldest one kept is %q", ErrCursorExpired, string(e.Oldest))
}

// Unwrap returns ErrCursorExpired.
func (*CursorError) Unwrap() error { return ErrCursorExpired }

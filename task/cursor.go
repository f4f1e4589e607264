package task

import (
	"fmt"
	"strconv"
)

// Cursor is the place in history of e: what Watch takes to go on after it.
func (e Event) Cursor() Cursor { return Cursor(strconv.FormatUint(e.Seq, 10)) }

// Seq is the sequence number that c names.
func (c Cursor) Seq() (uint64, error) {
	n, err := strconv.ParseUint(string(c), 10, 64)
	if err != nil {
		return 0, &Error{Op: "watch", Subject: clip(string(c), 64), Err: ErrInvalid,
			Detail: "this is not a cursor", Hint: "a cursor is what Event.Cursor gave"}
	}
	return n, nil
}

// CursorError is ErrCursorExpired with the oldest cursor that is kept. A cursor that is
// ahead of all that was stored has expired, too: an *Error round this one says so.
type CursorError struct{ Oldest Cursor }

// Error names the oldest cursor.
func (e *CursorError) Error() string {
	return fmt.Sprintf("%v; the oldest one kept is %q", ErrCursorExpired, string(e.Oldest))
}

// Unwrap gives ErrCursorExpired.
func (*CursorError) Unwrap() error { return ErrCursorExpired }

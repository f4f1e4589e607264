//go:build linux

package broker

import (
	"errors"

	"github.com/bgtask/bgtask/task"
)

// sentence is what an error says to people, without what was tried: that is told
// where the sentence is shown.
func sentence(err error) string {
	var e *task.Error
	if !errors.As(err, &e) || e.Detail == "" {
		return err.Error()
	}
	s := e.Detail
	if e.Subject != "" {
		s = e.Subject + ": " + s
	}
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Package fault turns errors into sentences for records: outcomes, doctor's findings
// and warnings are shown where the operation and its task are already named.
package fault

import (
	"errors"

	"github.com/bgtask/bgtask/task"
)

// Text returns what an error says to people, with its subject and hint but without the
// operation.
func Text(err error) string {
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

package selftest

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/bgtask/bgtask"
)

// Level is the meaning of a finding.
type Level string

// The levels.
const (
	OK   Level = "ok"
	Fail Level = "fail" // a promise does not hold
	Note Level = "note" // a fact about the platform, neither good nor bad
)

// Finding is the result of one test.
type Finding struct {
	Level   Level  `json:"level"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

// String returns the finding in one line.
func (f Finding) String() string {
	pad := strings.Repeat(" ", max(0, 22-utf8.RuneCountInString(f.Subject)))
	return fmt.Sprintf("%-4s  %s%s  %s", f.Level, f.Subject, pad, f.Text)
}

// Failed reports whether any of the findings is a Fail.
func Failed(findings []Finding) bool {
	for _, f := range findings {
		if f.Level == Fail {
			return true
		}
	}
	return false
}

// refusal formats an error with its hint in one line.
func refusal(err error) string {
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	if hint := bgtask.Hint(err); hint != "" {
		text += " (" + hint + ")"
	}
	return text
}

// verdict returns a finding that is OK, or Fail if there is an error.
func verdict(subject, text string, err error) Finding {
	if err != nil {
		return Finding{Fail, subject, refusal(err)}
	}
	return Finding{OK, subject, text}
}

// triggerFinding returns the finding for the registration of a trigger. Both
// acceptance and a refusal of the trigger are notes.
func triggerFinding(subject string, err error) Finding {
	switch {
	case err == nil:
		return Finding{Note, subject, "accepted"}
	case errors.Is(err, bgtask.ErrNotSupported), errors.Is(err, bgtask.ErrTriggerNotSupported):
		return Finding{Note, subject, "refused: " + refusal(err)}
	}
	return Finding{Fail, subject, refusal(err)}
}

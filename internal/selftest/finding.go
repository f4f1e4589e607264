package selftest

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/bgtask/bgtask"
)

// Level says what a finding means.
type Level string

// The levels.
const (
	OK   Level = "ok"
	Fail Level = "fail" // what was promised does not hold
	Note Level = "note" // a fact about the platform, whichever way it is
)

// Finding is one thing that was tried.
type Finding struct {
	Level   Level  `json:"level"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

func (f Finding) String() string {
	pad := strings.Repeat(" ", max(0, 22-utf8.RuneCountInString(f.Subject)))
	return fmt.Sprintf("%-4s  %s%s  %s", f.Level, f.Subject, pad, f.Text)
}

// Failed says whether any of them is a Fail.
func Failed(findings []Finding) bool {
	for _, f := range findings {
		if f.Level == Fail {
			return true
		}
	}
	return false
}

// refusal is an error in one line, with its hint.
func refusal(err error) string {
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	if hint := bgtask.Hint(err); hint != "" {
		text += " (" + hint + ")"
	}
	return text
}

// verdict is OK or, with an error, Fail.
func verdict(subject, text string, err error) Finding {
	if err != nil {
		return Finding{Fail, subject, refusal(err)}
	}
	return Finding{OK, subject, text}
}

// taken is what a trigger's registration tells: either answer is a fact.
func taken(subject string, err error) Finding {
	switch {
	case err == nil:
		return Finding{Note, subject, "accepted"}
	case errors.Is(err, bgtask.ErrNotSupported), errors.Is(err, bgtask.ErrTriggerNotSupported):
		return Finding{Note, subject, "refused: " + refusal(err)}
	}
	return Finding{Fail, subject, refusal(err)}
}

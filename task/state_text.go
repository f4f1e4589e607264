package task

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// String is At(s.Now).
func (s State) String() string { return s.At(s.Now) }

// At is the STATE column of list at an instant: "held 1 h 28 min:
// InternetAvailable". Without one the durations are left out.
func (s State) At(now time.Time) string {
	switch s.Phase {
	case Waiting:
		return s.waiting()
	case Held:
		return s.lasting(now, shortReasons(s.Reasons))
	case BackingOff:
		if s.Attempts > 0 {
			return fmt.Sprintf("backing off, %d of %d failed", s.Attempt-1, s.Attempts)
		}
	case Running:
		return s.lasting(now, "") + s.progress()
	case Canceling:
		if s.Run != nil {
			return s.lasting(now, s.Run.Reason.String())
		}
	case Unresponsive:
		if s.Run != nil && s.Run.PID != 0 {
			return s.lasting(now, "pid "+strconv.Itoa(s.Run.PID))
		}
		return s.lasting(now, "")
	case Starting:
		return s.lasting(now, "")
	case Suspended:
		if why := s.faults(); why != "" {
			return "suspended: " + why
		}
	}
	return s.Phase.String()
}

// lasting is the phase, how long it has lasted and why.
func (s State) lasting(now time.Time, why string) string {
	text := s.Phase.String()
	if !s.Since.IsZero() && !now.IsZero() {
		text += " " + coarse(max(0, now.Sub(s.Since)))
	}
	if why != "" {
		text += ": " + why
	}
	return text
}

func (s State) waiting() string {
	switch {
	case s.Text != "":
		return "waiting for " + s.Text
	case s.NextKnown:
		return "waiting for its time"
	}
	return "waiting"
}

func (s State) progress() string {
	if s.Run == nil || s.Run.Progress == 0 {
		return ""
	}
	return ", progress " + strconv.FormatUint(uint64(s.Run.Progress), 10)
}

// faults counts what a suspension was for: "5 failed starts".
func (s State) faults() string {
	switch {
	case s.Faults == 0:
		return s.Text
	case s.Fault == ActivationFailed:
		return plural(s.Faults, "failed start")
	case s.Fault == Crashed:
		return strconv.Itoa(s.Faults) + " crashes"
	}
	return plural(s.Faults, "fault")
}

// shortReasons names the two most important reasons.
func shortReasons(all []Reason) string {
	const shown = 2
	var words []string
	for _, r := range all[:min(len(all), shown)] {
		words = append(words, r.short())
	}
	s := strings.Join(words, ", ")
	if more := len(all) - shown; more > 0 {
		s += ", +" + strconv.Itoa(more)
	}
	return s
}

func (r Reason) short() string {
	switch r.Kind {
	case WaitCondition:
		return conditionName(r.Condition)
	case WaitUnsure:
		return conditionName(r.Condition) + " unsure"
	}
	return r.Kind.String()
}

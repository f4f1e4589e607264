package task

import (
	"fmt"
	"strings"
	"time"
)

// String is what happens, without when and to whom: "runs 2 min; held 1 h since
// 09:00:00: ACPower". Times are in the location of At.
func (h Happening) String() string {
	parts := []string{h.what()}
	if !h.HeldSince.IsZero() && h.Kind != HappensHeld {
		parts = append(parts, fmt.Sprintf("held %s since %s", Duration(h.At.Sub(h.HeldSince)), h.clock(h.HeldSince))+h.heldFor())
	}
	if h.Firings > 1 && h.Kind != HappensMissed {
		parts = append(parts, plural(h.Firings, "firing")+h.asWhat())
	}
	if h.Attempt > 1 {
		parts = append(parts, fmt.Sprintf("attempt %d", h.Attempt))
	}
	return strings.Join(parts, "; ")
}

func (h Happening) asWhat() string {
	if h.Kind == HappensRun {
		return " as one run"
	}
	return ""
}

func (h Happening) what() string {
	switch h.Kind {
	case HappensRun:
		return h.running()
	case HappensHeld:
		return "held to the end" + h.since() + h.heldFor()
	case HappensMissed:
		return h.missing()
	case HappensEnd:
		return h.End.String()
	case HappensSuspend:
		return "suspended: " + h.Text
	}
	return h.Kind.String()
}

func (h Happening) running() string {
	if h.Ended.IsZero() {
		return "runs to the end"
	}
	took := "runs " + Duration(h.Ended.Sub(h.At))
	switch h.Outcome {
	case Completed:
		return took
	case Canceled:
		return took + ", then canceled: " + h.Reason.String()
	case ActivationFailed:
		return strings.TrimSuffix("cannot start: "+h.Text, ": ")
	}
	return took + ", then " + h.Outcome.String()
}

func (h Happening) missing() string {
	m := h.Missed
	if m == nil {
		return h.Kind.String()
	}
	s := plural(m.Count, "instant")
	if m.More {
		s += " or more"
	}
	s += " missed"
	if !m.Last.Equal(m.First) {
		s += " until " + h.clock(m.Last)
	}
	return s + ": " + m.Cause.String()
}

// since is shown where it differs from the time of the happening.
func (h Happening) since() string {
	if h.HeldSince.Equal(h.At) {
		return ""
	}
	return " since " + h.clock(h.HeldSince)
}

func (h Happening) heldFor() string {
	var words []string
	for _, r := range h.HeldFor {
		words = append(words, r.short())
	}
	if len(words) == 0 {
		return ""
	}
	return ": " + strings.Join(words, ", ")
}

// clock is a time as it stands beside At: without its day when that is the same.
func (h Happening) clock(t time.Time) string {
	t = t.In(h.At.Location())
	if Days(t, h.At) == 0 {
		return t.Format(time.TimeOnly)
	}
	return t.Format("Mon 2 Jan 15:04:05")
}

package verb

import (
	"fmt"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// PhaseColor returns the color of a state.
func PhaseColor(p task.Phase) term.Color {
	switch p {
	case task.Suspended, task.Unresponsive:
		return term.Red
	case task.Held, task.BackingOff:
		return term.Yellow
	case task.Running, task.Starting, task.Canceling:
		return term.Green
	}
	return term.Plain
}

// OutcomeColor returns the color of an outcome.
func OutcomeColor(o task.Outcome) term.Color {
	switch o {
	case task.OutcomeNone, task.Completed, task.Canceled:
		return term.Plain
	}
	return term.Red
}

// Took returns how long the task's code ran; "" if it was never called.
func Took(r task.Run) string {
	d, ok := r.Took()
	if !ok {
		return ""
	}
	return task.Duration(d)
}

// Ended describes the end of a run, after its outcome: "1.2 s, progress 100".
func Ended(r task.Run) string {
	reason := ""
	if r.Outcome == task.Canceled || r.Outcome == task.TimedOut {
		reason = r.Reason.String()
	}
	progress := ""
	if r.Progress > 0 {
		progress = fmt.Sprintf("progress %d", r.Progress)
	}
	forced := ""
	if r.Forced {
		forced = "its process was killed"
	}
	text := term.OneLine(r.Text)
	if text == r.Reason.Error() {
		text = "" // the task returned the reason as its error
	}
	return term.Joined(", ", reason, Took(r), progress, r.Exit, forced, text)
}

// Where describes the process of a run: "launched, pid 4324".
func Where(r task.Run) string {
	pid := ""
	if r.PID != 0 {
		pid = fmt.Sprintf("pid %d", r.PID)
	}
	return term.Joined(", ", r.Host, pid)
}

// OutcomeWords returns the outcomes as flags accept them.
func OutcomeWords() (all []string) {
	for _, row := range task.Outcomes() {
		all = append(all, row.Outcome.Word())
	}
	return all
}

// PhaseWords returns the states as flags accept them.
func PhaseWords() []string {
	var all []string
	for _, p := range task.Phases() {
		all = append(all, p.Word())
	}
	return all
}

// ChangeWord names what a registration or installation changed.
func ChangeWord(c wire.Change) string {
	switch c {
	case wire.Added:
		return "added"
	case wire.Updated:
		return "updated"
	}
	return "unchanged"
}

package machine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

func newDoctor(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Diagnose what keeps tasks from running and suggest fixes",
		Args:  verb.Exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			checks := a.checks(c.Context())
			if a.JSON {
				a.Object(term.Member("checks", jsonChecks(checks)))
			} else {
				a.showChecks(checks)
			}
			if slices.ContainsFunc(checks, func(c task.Check) bool { return c.Level == task.CheckFail }) {
				return term.Shown(term.ErrUnsound)
			}
			return nil
		},
	}
}

type check struct {
	Level   string  `json:"level"`
	Subject string  `json:"subject"`
	Text    string  `json:"text"`
	Fix     *string `json:"fix"`
}

func jsonChecks(all []task.Check) []check {
	checks := make([]check, len(all))
	for i, c := range all {
		checks[i] = check{c.Level.String(), c.Subject, c.Text, term.OrNull(c.Fix)}
	}
	return checks
}

// checks asks the broker. If it cannot be reached, that is the finding. Asking for the
// status does not start a broker; asking for anything else does, or says why it cannot.
func (a *app) checks(ctx context.Context) []task.Check {
	status, err := a.Broker.Status(ctx)
	if errors.Is(err, task.ErrUnavailable) {
		if _, err = a.Broker.Packages(ctx); err == nil {
			status, err = a.Broker.Status(ctx)
		}
	}
	if err != nil {
		return []task.Check{brokerFailed(err)}
	}
	all := append([]task.Check{a.brokerCheck(status)}, status.Checks...)
	facts, sources, err := a.Broker.Facts(ctx)
	if err != nil {
		return append(all, brokerFailed(err))
	}
	tasks, err := a.Broker.Tasks(ctx, wire.TaskQuery{AllGroups: true})
	if err != nil {
		return append(all, brokerFailed(err))
	}
	n := verb.NewNames(tasks)
	all = append(all, factChecks(facts, sources, n)...)
	all = append(all, substituteChecks(sources)...)
	all = append(all, triggerChecks(sources, tasks, n)...)
	return append(all, taskChecks(tasks, n)...)
}

func brokerFailed(err error) task.Check {
	text := strings.Join(term.Faults(err), "; ")
	if !errors.Is(err, task.ErrUnavailable) {
		text = "it answered with an unexpected error: " + text
	}
	return task.Check{Level: task.CheckFail, Subject: "broker", Text: text, Fix: task.Hint(err)}
}

func (a *app) brokerCheck(s task.Status) task.Check {
	c := task.Check{Subject: "broker", Text: fmt.Sprintf("%s, pid %d, %s; store %s; started %s", s.Version, s.PID, a.uptime(s.Started), size(s.StoreSize), by(s.StartedBy))}
	if s.Version != a.Version {
		c.Level, c.Fix = task.CheckWarn, "bgtask daemon stop; the next call starts the new version"
		c.Text += "; this program is " + a.Version
	}
	return c
}

func (a *app) uptime(started time.Time) string {
	if !a.Screen.Terminal {
		return "up since " + a.Stamp(started)
	}
	return "up " + task.Roughly(max(0, a.Now().Sub(started)))
}

// by formats how the broker was started: "by systemd socket", "by hand", "on demand".
func by(starter string) string {
	if strings.HasPrefix(starter, "by ") || strings.HasPrefix(starter, "on ") || starter == "" {
		return starter
	}
	return "by " + starter
}

func size(bytes int64) string {
	units := []string{"KiB", "MiB", "GiB", "TiB"}
	n := float64(bytes) / 1024
	for n >= 1024 && len(units) > 1 {
		n, units = n/1024, units[1:]
	}
	return fmt.Sprintf("%.1f %s", n, units[0])
}

// factChecks reports facts that are unknown, and those that a user has overridden. An
// unknown fact is a failure if a task needs it.
func factChecks(facts []task.Fact, sources []task.SourceState, n verb.Names) (all []task.Check) {
	for _, f := range facts {
		switch {
		case f.Overridden:
			all = append(all, task.Check{Level: task.CheckWarn, Subject: "override", Text: fmt.Sprintf("%s=%v is %s", f.Name, f.Value, f.Origin()),
				Fix: "bgtask facts clear " + f.Name})
		case !f.Value.Known():
			all = append(all, sourceCheck(f, sources, n))
		}
	}
	return all
}

// triggerChecks reports triggers that cannot fire now. That is a failure if a task has
// such a trigger.
func triggerChecks(sources []task.SourceState, tasks []task.Info, n verb.Names) (all []task.Check) {
	for _, s := range sources {
		for _, class := range mute(s) {
			c := task.Check{Level: task.CheckWarn, Subject: "source", Text: class + " cannot fire: " + cmp.Or(s.Detail, s.Status.String()), Fix: s.Remedy}
			var users []string
			for _, info := range tasks {
				if info.Spec.Trigger.Class() == class {
					users = append(users, n.Of(info.TaskID, info.Spec.Name))
				}
			}
			if len(users) > 0 {
				c.Level = task.CheckFail
				c.Text += " (" + strings.Join(users, ", ") + ")"
			}
			all = append(all, c)
		}
	}
	return all
}

// substituteChecks reports services that are missing while another source reports the
// same facts. That is not a fault.
func substituteChecks(sources []task.SourceState) (all []task.Check) {
	for _, missing := range sources {
		if missing.Status != task.SourceNotHere && missing.Status != task.SourceGone {
			continue
		}
		for _, up := range sources {
			reported := slices.DeleteFunc(slices.Clone(missing.Facts), func(fact string) bool { return !slices.Contains(up.Facts, fact) })
			if up.Status != task.SourceUp || len(reported) == 0 || strings.HasPrefix(up.Name, missing.Name) { // the same service under its old name
				continue
			}
			all = append(all, task.Check{Subject: "source", Text: fmt.Sprintf("%s; %s reports %s instead", cmp.Or(missing.Detail, missing.Name+" is not running"), up.Name, term.And(reported)), Fix: missing.Remedy})
		}
	}
	return all
}

// mute returns the classes of triggers that a source should fire and cannot.
func mute(s task.SourceState) []string {
	if s.Status == task.SourceNotHere || s.Status == task.SourceGone {
		return s.Triggers
	}
	return nil
}

func sourceCheck(f task.Fact, sources []task.SourceState, n verb.Names) task.Check {
	c := task.Check{Level: task.CheckWarn, Subject: "source", Text: f.Name + ": " + unknownWhy(f, sources)}
	if unsure := conditionsOn(f.Name); len(unsure) > 0 {
		stay := "stays"
		if len(unsure) > 1 {
			stay = "stay"
		}
		c.Text += fmt.Sprintf("; %s %s unsure", term.And(unsure), stay)
	}
	if len(f.UsedBy) > 0 {
		c.Level = task.CheckFail
		var users []string
		for _, path := range f.UsedBy {
			users = append(users, n.User(path))
		}
		c.Text += " (" + strings.Join(users, ", ") + ")"
	}
	for _, s := range sources {
		if slices.Contains(s.Facts, f.Name) && s.Remedy != "" && c.Fix == "" {
			c.Fix = s.Remedy
		}
	}
	return c
}

// unknownWhy explains why a fact is unknown: in the words of its source, or by the
// general cause.
func unknownWhy(f task.Fact, sources []task.SourceState) string {
	var why []string
	for _, s := range sources {
		if slices.Contains(s.Facts, f.Name) && s.Status != task.SourceUp && s.Detail != "" && !slices.Contains(why, s.Detail) {
			why = append(why, s.Detail)
		}
	}
	switch {
	case len(why) > 0 && f.Cause != task.CauseSourceUnsure:
		return strings.Join(why, "; ")
	case f.Detail != "":
		return f.Detail
	case f.Cause != task.CauseNone:
		return f.Cause.String()
	}
	return "unknown"
}

func conditionsOn(fact string) (all []string) {
	for _, row := range task.SystemConditions() {
		for _, need := range row.Needs {
			if need.Fact == fact {
				all = append(all, row.Name)
			}
		}
	}
	return all
}

// taskChecks reports tasks that do not run by themselves anymore.
func taskChecks(tasks []task.Info, n verb.Names) (all []task.Check) {
	for _, info := range tasks {
		name := n.Of(info.TaskID, info.Spec.Name)
		switch info.State.Phase {
		case task.Suspended:
			all = append(all, task.Check{Level: task.CheckWarn, Subject: "task", Text: name + ": " + info.State.At(term.Timeless), Fix: "bgtask why " + name})
		case task.Unresponsive:
			all = append(all, task.Check{Level: task.CheckWarn, Subject: "task", Text: name + ": " + info.State.At(term.Timeless), Fix: "bgtask cancel --kill " + name})
		}
	}
	return all
}

func (a *app) showChecks(all []task.Check) {
	for _, c := range all {
		level := c.Level.String()
		a.Printf("%s%s\n", a.Screen.Paint(levelColor(c.Level), level), strings.TrimPrefix(checkLines(a.Screen, c), level))
	}
}

// checkLines formats a check on one line. If that is too long for the terminal, the
// remedy gets its own line.
func checkLines(s term.Screen, c task.Check) string {
	const subjectColumns, textColumn, textColumns = 8, 16, 39
	line := fmt.Sprintf("%-4s  %-*s  %s", c.Level, subjectColumns, c.Subject, term.OneLine(c.Text))
	if c.Fix == "" {
		return s.Wrap(line, textColumn)
	}
	fix := "fix: " + term.OneLine(c.Fix)
	if whole := fmt.Sprintf("%-*s  %s", textColumn+textColumns, line, fix); s.Wrap(whole, 0) == whole {
		return whole
	}
	return s.Wrap(line, textColumn) + "\n" + s.Wrap(strings.Repeat(" ", textColumn)+fix, textColumn)
}

func levelColor(l task.CheckLevel) term.Color {
	switch l {
	case task.CheckFail:
		return term.Red
	case task.CheckWarn:
		return term.Yellow
	}
	return term.Plain
}

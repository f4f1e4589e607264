package tasks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/task"
)

func newList(a *app) *cobra.Command {
	var states []string
	var quiet bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List tasks, those needing attention first",
		Args:  verb.Exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			all, err := a.Tasks(c.Context())
			if err != nil {
				return err
			}
			phases, err := parsePhases(states)
			if err != nil {
				return err
			}
			shown := inPhases(all, phases)
			switch {
			case a.JSON:
				a.Object(term.Member("tasks", term.ListOf(shown)))
			case quiet:
				for _, info := range shown {
					a.Printf("%s/%s\n", info.Package, info.Spec.Name)
				}
			default:
				a.list(shown, verb.NewNames(all))
			}
			return nil
		},
	}
	c.Flags().StringSliceVar(&states, "state", nil, "only tasks in these `STATES`: held,running,...")
	c.Flags().BoolVarP(&quiet, "quiet", "q", false, "print only PACKAGE/NAME")
	a.PackageFlag(c)
	return c
}

func parsePhases(words []string) ([]task.Phase, error) {
	var phases []task.Phase
	for _, word := range words {
		p, err := task.ParsePhase(word)
		if err != nil {
			return nil, term.UnknownWord("--state", "state", word, verb.PhaseWords())
		}
		phases = append(phases, p)
	}
	return phases, nil
}

func inPhases(all []task.Info, phases []task.Phase) []task.Info {
	var kept []task.Info
	for _, info := range all {
		if len(phases) == 0 || slices.Contains(phases, info.State.Phase) {
			kept = append(kept, info)
		}
	}
	slices.SortStableFunc(kept, func(x, y task.Info) int {
		return cmp.Or(cmp.Compare(trouble(x.State.Phase), trouble(y.State.Phase)), cmp.Compare(x.Spec.Name, y.Spec.Name))
	})
	return kept
}

// byTrouble lists every state: those that need attention first, the quiet ones last.
var byTrouble = []task.Phase{task.Suspended, task.Unresponsive, task.Held, task.BackingOff, task.Canceling, task.Starting, task.Running,
	task.Waiting, task.Spent, task.Removing}

func trouble(p task.Phase) int { return slices.Index(byTrouble, p) }

func (a *app) list(all []task.Info, n verb.Names) {
	if len(all) == 0 && a.Screen.Terminal {
		a.Printf("There are no tasks. 'bgtask add --help' explains how to create one.\n")
		return
	}
	t := term.NewTable("TASK", "PACKAGE", "STATE", "NEXT", "LAST")
	for _, info := range all {
		t.Add(
			term.Text(n.Of(info.TaskID, info.Spec.Name)),
			term.Colored(term.Faint, a.pkgColumn(n, info.Package)),
			term.Colored(verb.PhaseColor(info.State.Phase), a.state(info.State)),
			term.Text(a.next(info)),
			a.last(info),
		)
	}
	a.Table(t)
	if a.Screen.Terminal {
		a.Printf("%s\n", a.Screen.Wrap(summary(all), 0))
	}
}

const pkgColumns = 12 // names of packages are long, and often differ only at the end

func (a *app) pkgColumn(n verb.Names, family string) string {
	if a.Screen.Terminal {
		return term.CutMiddle(n.Package(family), pkgColumns)
	}
	return n.Package(family)
}

// state formats the STATE column.
func (a *app) state(s task.State) string {
	if a.Screen.Terminal {
		return s.At(a.Now())
	}
	text := s.At(term.Timeless)
	if rest, ok := strings.CutPrefix(text, s.Phase.String()); ok && !s.Since.IsZero() && s.Phase != task.Waiting && s.Phase != task.BackingOff {
		return s.Phase.String() + " since " + a.Stamp(s.Since) + rest
	}
	return text
}

// next formats the NEXT column: when the task fires or is retried.
func (a *app) next(info task.Info) string {
	s := info.State
	switch s.Phase {
	case task.Suspended, task.Spent, task.Removing:
		return "never"
	case task.Held:
		return a.nextOfHeld(s.Reasons)
	}
	switch {
	case s.NextKnown:
		return a.Coming(s.Next)
	case s.Phase == task.Waiting:
		return "when fired"
	case s.Waiting > 0:
		return "after this"
	}
	return "when fired"
}

func (a *app) nextOfHeld(reasons []task.Reason) string {
	var until task.Reason
	for _, r := range reasons {
		switch {
		case r.Kind == task.WaitCondition || r.Kind == task.WaitUnsure || r.Kind == task.WaitEnergySaver:
			return "when met"
		case r.Kind == task.WaitAccess:
			return "when allowed"
		case r.Until.After(until.Until):
			until = r
		}
	}
	if until.Until.IsZero() {
		return "when free"
	}
	return a.Coming(until.Until)
}

// last formats the LAST column: how the last run ended, and when.
func (a *app) last(info task.Info) term.Cell {
	r := info.LastRun
	if r == nil {
		if e := info.LastEnd; e != nil {
			return term.Text(e.End.String() + " " + a.Ago(e.At))
		}
		return term.Text("-")
	}
	s := r.Outcome.String() + " " + a.Ago(r.Ended)
	switch {
	case r.Outcome == task.Canceled:
		s += ": " + r.Reason.String()
	case r.Outcome == task.Completed && verb.Took(*r) != "":
		s += ", " + verb.Took(*r)
	case r.Exit != "":
		s += ", " + r.Exit
	case r.Outcome == task.Failed || r.Outcome == task.RetryAsked:
		if r.Text != "" {
			s += ": " + term.OneLine(r.Text)
		}
	}
	return term.Colored(verb.OutcomeColor(r.Outcome), s)
}

func summary(all []task.Info) string {
	counts := map[task.Phase]int{}
	for _, info := range all {
		counts[info.State.Phase]++
	}
	var parts []string
	for _, p := range byTrouble[:trouble(task.Waiting)] {
		if n := counts[p]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %v", n, p))
		}
	}
	s := term.Plural(len(all), "task")
	if len(parts) > 0 {
		s += ": " + strings.Join(parts, ", ")
	}
	return s + ". 'bgtask why TASK' explains one."
}

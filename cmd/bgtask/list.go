package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/task"
)

func newList(a *app) *cobra.Command {
	var states []string
	var quiet bool
	c := &cobra.Command{
		Use:   "list",
		Short: "One line a task, in trouble first",
		Args:  exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			all, err := a.tasks(c.Context())
			if err != nil {
				return err
			}
			phases, err := parsePhases(states)
			if err != nil {
				return err
			}
			shown := inPhases(all, phases)
			switch {
			case a.json:
				a.object(member{"tasks", listOf(shown)})
			case quiet:
				for _, info := range shown {
					a.printf("%s/%s\n", info.Package, info.Spec.Name)
				}
			default:
				a.list(shown, newNames(all))
			}
			return nil
		},
	}
	c.Flags().StringSliceVar(&states, "state", nil, "only tasks in these states: held,running,...")
	c.Flags().BoolVarP(&quiet, "quiet", "q", false, "PACKAGE/NAME only")
	return c
}

func parsePhases(words []string) ([]task.Phase, error) {
	var phases []task.Phase
	for _, word := range words {
		p, err := task.ParsePhase(word)
		if err != nil {
			return nil, unknownWord("--state", "state", word, phaseWords())
		}
		phases = append(phases, p)
	}
	return phases, nil
}

func phaseWords() []string {
	var all []string
	for p := task.Waiting; p <= task.Removing; p++ {
		all = append(all, strings.ReplaceAll(p.String(), " ", "-"))
	}
	return all
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

// byTrouble is every phase, what needs a person first; the quiet ones last.
var byTrouble = []task.Phase{task.Suspended, task.Unresponsive, task.Held, task.BackingOff, task.Canceling, task.Starting, task.Running,
	task.Waiting, task.Spent, task.Removing}

func trouble(p task.Phase) int { return slices.Index(byTrouble, p) }

func (a *app) list(all []task.Info, n names) {
	if len(all) == 0 && a.screen.terminal {
		a.printf("no tasks. 'bgtask add --help' shows how to make one.\n")
		return
	}
	t := newTable("TASK", "PACKAGE", "STATE", "NEXT", "LAST")
	for _, info := range all {
		t.add(
			text(n.of(info.TaskID, info.Spec.Name)),
			colored(faint, a.pkgColumn(n, info.Package)),
			colored(phaseColor(info.State.Phase), a.state(info.State)),
			text(a.next(info)),
			a.last(info),
		)
	}
	a.print(t)
	if a.screen.terminal {
		a.printf("%s\n", a.screen.wrap(summary(all), 0))
	}
}

const pkgColumns = 12 // names of packages are long, and told apart by their ends

func (a *app) pkgColumn(n names, family string) string {
	if a.screen.terminal {
		return cutMiddle(n.pkg(family), pkgColumns)
	}
	return n.pkg(family)
}

// state is the STATE column.
func (a *app) state(s task.State) string {
	if a.screen.terminal {
		return s.At(a.now())
	}
	text := s.At(timeless)
	if rest, ok := strings.CutPrefix(text, s.Phase.String()); ok && !s.Since.IsZero() && s.Phase != task.Waiting && s.Phase != task.BackingOff {
		return s.Phase.String() + " since " + a.stamp(s.Since) + rest
	}
	return text
}

// next is the NEXT column: when it fires, or is tried again.
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
		return a.coming(s.Next)
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
	return a.coming(until.Until)
}

// last is the LAST column: how the last run ended, and when.
func (a *app) last(info task.Info) cell {
	r := info.LastRun
	if r == nil {
		if e := info.LastEnd; e != nil {
			return text(e.End.String() + " " + a.ago(e.At))
		}
		return text("-")
	}
	s := r.Outcome.String() + " " + a.ago(r.Ended)
	switch {
	case r.Outcome == task.Canceled:
		s += ": " + r.Reason.String()
	case r.Outcome == task.Completed && took(*r) != "":
		s += ", " + took(*r)
	case r.Exit != "":
		s += ", " + r.Exit
	case r.Outcome == task.Failed || r.Outcome == task.RetryAsked:
		if r.Text != "" {
			s += ": " + oneLine(r.Text)
		}
	}
	return colored(outcomeColor(r.Outcome), s)
}

// took is how long Run took; "" when it was never entered.
func took(r task.Run) string {
	d, ok := r.Took()
	if !ok {
		return ""
	}
	return task.Duration(d)
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
	s := plural(len(all), "task")
	if len(parts) > 0 {
		s += ": " + strings.Join(parts, ", ")
	}
	return s + ". 'bgtask why TASK' explains each."
}

// plural is "1 task", "2 tasks", "3 classes".
func plural(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "s"):
		return fmt.Sprintf("%d %ses", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

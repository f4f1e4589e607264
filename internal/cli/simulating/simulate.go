package simulating

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

const simulateHelp = `Predict which tasks will run, and when. The broker's own engine continues from its
present state in virtual time. Nothing is changed, stored or started.

Use --with to assume a value of a fact, always or at some times. It may be given
more than once; where two contradict each other, the later one counts:

  internet=no                                       always
  "on-ac=no 09:00-11:00"                            every day
  "user=away Mon..Fri 22:00-06:00"                  these days, overnight
  "on-ac=no Sat,Sun"                                these days, all day
  "internet=no 2026-12-01T10:00..2026-12-01T12:00"  once; one end is optional

The simulation assumes that all other facts stay as they are now; that every run
completes, and takes the median time of the last 25 runs of its task (1 s if the
task never ran) or the time of --run; that class servers start immediately; that
the machine does not sleep; and that nothing else happens: no requests, events,
file changes, connections, devices, toasts or push messages.`

type simulateOptions struct {
	from  string
	lasts time.Duration
	each  time.Duration
	with  []string
}

func newSimulate(a *app) *cobra.Command {
	o := simulateOptions{}
	c := &cobra.Command{
		Use:               "simulate [TASK...]",
		Short:             "Predict which tasks will run, and when",
		Long:              simulateHelp,
		Args:              cobra.ArbitraryArgs,
		Example:           "  bgtask simulate --for 1d\n  bgtask simulate backup --with \"on-ac=no 22:00-06:00\"",
		ValidArgsFunction: a.completeTasks,
		RunE: func(c *cobra.Command, args []string) error {
			q, err := o.query(a)
			if err != nil {
				return err
			}
			all, err := a.simulated(c.Context(), &q, args)
			if err != nil {
				return err
			}
			s, err := a.Broker.Simulate(c.Context(), q)
			switch {
			case err != nil:
				return err
			case a.JSON:
				a.Object(term.Member("simulation", s))
			default:
				a.simulation(s, verb.NewNames(all), o)
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&o.from, "from", "", "show what happens from this `TIME` on: \"2026-12-01 09:00\", 09:00, or 6h from now")
	o.lasts = 7 * 24 * time.Hour
	term.DurationVar(f, &o.lasts, "for", "simulate this long (default: 7d)")
	term.DurationVar(f, &o.each, "run", "assume that each run takes this long")
	f.StringArrayVar(&o.with, "with", nil, "assume a fact has this value: `FACT=VALUE`, \"on-ac=no 09:00-11:00\"")
	_ = c.RegisterFlagCompletionFunc("with", verb.CompleteFact)
	a.PackageFlag(c)
	return c
}

// completeTasks completes a verb that takes several tasks.
func (a *app) completeTasks(c *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	return a.CompleteTask(c, nil, word)
}

func (o simulateOptions) query(a *app) (wire.SimulateQuery, error) {
	now := a.Now()
	q := wire.SimulateQuery{RunFor: o.each}
	begin := now
	if o.from != "" {
		from, err := a.parseFrom(o.from)
		if err != nil {
			return q, err
		}
		q.From, begin = from, from
	}
	q.Until = begin.Add(o.lasts)
	if most := task.MaxSimulated; q.Until.Sub(now) > most {
		return q, term.Refuse(fmt.Sprintf("the simulation would end in %[2]s, but may cover at most %[1]s", task.Interval(most), task.Duration(q.Until.Sub(now))), "use a shorter --for")
	}
	for _, s := range o.with {
		w, err := parseWith(s, a.Zone)
		if err != nil {
			return q, err
		}
		q.Suppose = append(q.Suppose, w.suppositions(now, q.Until, a.Zone)...)
	}
	if n := len(q.Suppose); n > task.MaxSuppositions {
		return q, term.Refuse(fmt.Sprintf("the --with flags describe %d time spans, but at most %d are allowed", n, task.MaxSuppositions), "use a shorter --for")
	}
	return q, nil
}

// parseFrom parses a time, a time of day, whose next occurrence it returns, or a duration
// from now.
func (a *app) parseFrom(s string) (time.Time, error) {
	if d, err := term.ParseDuration(s); err == nil {
		return a.Now().Add(d), nil
	}
	t, ok := parseOnce(s, a.Zone)
	if c, isClock := parseClock(s); !ok && isClock && c < dayEnds {
		t, ok = a.NextClock(time.Time{}.Add(time.Duration(c)*time.Second)), true
	}
	switch {
	case !ok:
		return t, term.Refuse(fmt.Sprintf("--from %q is not a time", s), `write --from "2026-12-01 09:00", --from 09:00 for the next one, or --from 6h`)
	case t.Before(a.Now()):
		return t, term.Refuse(fmt.Sprintf("--from %q is in the past", s), "'bgtask history' shows the past")
	}
	return t, nil
}

// simulated puts the tasks to simulate into q, and returns all tasks.
func (a *app) simulated(ctx context.Context, q *wire.SimulateQuery, words []string) ([]task.Info, error) {
	all, err := a.Tasks(ctx)
	if err != nil {
		return nil, err
	}
	for _, word := range words {
		info, err := a.Resolve(ctx, word)
		if err != nil {
			return nil, err
		}
		q.TaskIDs = append(q.TaskIDs, info.TaskID)
	}
	if a.Package != "" {
		family, err := a.Family(ctx, a.Package)
		if err != nil {
			return nil, err
		}
		q.Package = family.Family
	}
	return all, nil
}

func (a *app) simulation(s task.Simulation, n verb.Names, o simulateOptions) {
	if len(s.Tasks) == 0 && a.Screen.Terminal {
		a.Printf("There are no tasks. 'bgtask add --help' explains how to create one.\n")
		return
	}
	if len(s.Happenings) > 0 {
		a.happenings(s.Happenings, n)
		a.Printf("\n")
	}
	a.prospects(s, n)
	a.Printf("\n%s\n", a.Screen.Wrap(term.Clean(a.assumed(s, o)), 0))
	if s.Stopped != "" {
		a.Warn("the simulation ends early, at %s: %s; simulate a shorter time or fewer tasks", a.weekday(s.Until), s.Stopped)
	}
}

func (a *app) happenings(all []task.Happening, n verb.Names) {
	t := term.NewTable("WHEN", "TASK", "WHAT HAPPENS")
	for _, h := range all {
		h.At = h.At.In(a.Zone)
		t.Add(term.Text(a.weekday(h.At)), term.Text(n.Of(h.TaskID, h.Name)), term.Colored(happeningColor(h), h.String()))
	}
	a.Table(t)
}

func happeningColor(h task.Happening) term.Color {
	switch h.Kind {
	case task.HappensRun:
		return verb.OutcomeColor(h.Outcome)
	case task.HappensSuspend:
		return term.Red
	}
	return term.Yellow
}

// weekday formats a time with its day of the week and its zone.
func (a *app) weekday(t time.Time) string {
	if !a.Screen.Terminal {
		return a.Stamp(t)
	}
	return t.In(a.Zone).Format("Mon 2006-01-02 15:04:05 MST")
}

func (a *app) prospects(s task.Simulation, n verb.Names) {
	t := term.NewTable("TASK", "RUNS", "EACH", "HELD", "MISSED", "EXPIRED", "AT THE END")
	for _, p := range s.Tasks {
		each := "-"
		if p.Lasts > 0 {
			each = task.Duration(p.Lasts)
		}
		held := "-"
		if p.Held > 0 {
			held = task.Duration(p.Held)
		}
		t.Add(term.Text(n.Of(p.TaskID, p.Name)), term.Text(strconv.Itoa(p.Runs)), term.Text(each), term.Text(held), term.Text(strconv.Itoa(p.Counts.Missed)), term.Text(strconv.Itoa(p.Expired)),
			term.Colored(verb.PhaseColor(p.State.Phase), atTheEnd(p, s.Until)))
	}
	a.Table(t)
}

// atTheEnd describes the state at the end; for a task that never runs, why.
func atTheEnd(p task.Prospect, end time.Time) string {
	state := p.State.At(end)
	if p.Runs == 0 && p.Counts.Runs == 0 && p.State.Run == nil {
		return "does not run: " + state
	}
	return state
}

// assumed says on which assumptions the prediction rests.
func (a *app) assumed(s task.Simulation, o simulateOptions) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Simulated from %s to %s, starting from the state at %s.", a.weekday(s.From), a.weekday(s.Until), a.weekday(s.Now))
	var known []string
	for _, f := range s.Facts {
		if !slices.ContainsFunc(o.with, func(w string) bool { return always(w, f.Name) }) {
			known = append(known, f.Name+"="+f.Value.String())
		}
	}
	switch {
	case len(o.with) > 0 && len(known) > 0:
		fmt.Fprintf(&b, " Assumed: %s. Other facts stay as they are: %s.", strings.Join(o.with, "; "), strings.Join(known, ", "))
	case len(o.with) > 0:
		fmt.Fprintf(&b, " Assumed: %s.", strings.Join(o.with, "; "))
	case len(known) > 0:
		fmt.Fprintf(&b, " Facts stay as they are: %s.", strings.Join(known, ", "))
	}
	b.WriteString(" Runs complete, " + lasting(s.Tasks, o) + ". The machine does not sleep, and there are no requests, events, file changes, devices or connections.")
	return b.String()
}

// always reports whether a --with sets the fact for the whole time.
func always(with, fact string) bool {
	return strings.HasPrefix(with, fact+"=") && !strings.ContainsAny(with, " \t")
}

// lasting says how long runs are assumed to take.
func lasting(all []task.Prospect, o simulateOptions) string {
	if o.each > 0 {
		return "each in " + task.Interval(o.each)
	}
	guessed := 0
	for _, p := range all {
		if p.Lasts > 0 && p.LastsOf == 0 {
			guessed++
		}
	}
	s := "each in the median time of its task's last runs"
	if guessed > 0 {
		s += fmt.Sprintf(" (%s if there are none)", task.Interval(task.SimulatedRun))
	}
	return s
}

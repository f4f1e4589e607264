package following

import (
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

func newWatch(a *app) *cobra.Command {
	var since, until string
	c := &cobra.Command{
		Use:   "watch [TASK]",
		Short: "Follow events as they happen",
		Long: `Follow events as they happen, one per line, until Ctrl-C.

With --since, events after a cursor are printed first. Every line of --json has the
cursor of its event.

With --until, watch exits when a run ends with an outcome (completed, failed,
canceled, ...), with any outcome (ended), or when a task enters a state (held,
running, ...).`,
		Example:           `  bgtask watch backup --until ended`,
		Args:              verb.Between(0, 1),
		ValidArgsFunction: a.CompleteTask,
		RunE: func(c *cobra.Command, args []string) error {
			stop, err := parseUntil(until)
			if err != nil {
				return err
			}
			all, err := a.Tasks(c.Context())
			if err != nil {
				return err
			}
			q := wire.WatchQuery{Since: task.Cursor(since)}
			if len(args) == 1 {
				info, err := a.Resolve(c.Context(), args[0])
				if err != nil {
					return err
				}
				q.TaskID = info.TaskID
			}
			w := &watching{app: a, query: q, stop: stop, names: verb.NewNames(all)}
			return w.run(c.Context())
		},
	}
	c.Flags().StringVar(&since, "since", "", "continue after this `CURSOR`")
	c.Flags().StringVar(&until, "until", "", "exit at this `OUTCOME` or state")
	_ = c.RegisterFlagCompletionFunc("until", verb.OfferWords(untilWords()...))
	a.PackageFlag(c)
	return c
}

// until reports whether a watch ends at an event.
type until func(task.Event) bool

const anyOutcome = "ended"

func untilWords() []string {
	return slices.Concat([]string{anyOutcome}, verb.OutcomeWords(), verb.PhaseWords())
}

func parseUntil(word string) (until, error) {
	ended := func(ev task.Event) bool { return ev.Kind == task.EventEnded && ev.Run != nil }
	switch word {
	case "":
		return nil, nil
	case anyOutcome:
		return ended, nil
	}
	if o, err := task.ParseOutcome(word); err == nil && o != task.OutcomeNone {
		return func(ev task.Event) bool { return ended(ev) && ev.Run.Outcome == o }, nil
	}
	if p, err := task.ParsePhase(word); err == nil {
		return func(ev task.Event) bool { return stateOf(ev) != nil && stateOf(ev).Phase == p }, nil
	}
	return nil, term.UnknownWord("--until", "outcome", word, untilWords())
}

// stateOf returns the state after an event; nil if the event has none.
func stateOf(ev task.Event) *task.State {
	if ev.State == nil && ev.Info != nil {
		return &ev.Info.State
	}
	return ev.State
}

// watching is a watch in progress.
type watching struct {
	*app
	query  wire.WatchQuery
	stop   until
	names  verb.Names
	widest int // name so far, in columns
}

func (w *watching) run(ctx context.Context) error {
	for ev, err := range w.Broker.Watch(ctx, w.query) {
		if err != nil {
			return w.explain(err)
		}
		if !w.wanted(ev) {
			continue
		}
		w.show(ev)
		if w.stop != nil && w.stop(ev) {
			return nil
		}
	}
	if w.stop != nil {
		return &task.Error{Op: "watch", Err: context.Canceled, Detail: "interrupted before the --until condition was met"}
	}
	return nil // Ctrl-C is the way to end it
}

// wanted reports whether an event is of the package of -p.
func (w *watching) wanted(ev task.Event) bool {
	return w.Package == "" || ev.Package == "" || verb.InPackage(ev.Package, w.Package)
}

func (w *watching) explain(err error) error {
	var expired *task.CursorError
	if errors.As(err, &expired) && task.Hint(err) == "" {
		return &task.Error{Op: "watch", Err: err, Detail: err.Error(), Hint: "the oldest cursor is: --since " + string(expired.Oldest)}
	}
	return err
}

func (w *watching) show(ev task.Event) {
	if w.JSON {
		w.Object(term.Member("cursor", string(ev.Cursor())), term.Member("event", ev))
		return
	}
	name, what, text := w.line(ev)
	if what == "" {
		return
	}
	const name0, what0 = 9, 9 // columns, enough for most
	w.widest = max(w.widest, term.Columns(name), name0)
	pad := strings.Repeat(" ", w.widest-term.Columns(name))
	word := w.Screen.Paint(eventColor(ev), what) + strings.Repeat(" ", max(0, what0-term.Columns(what)))
	w.Printf("%s\n", strings.TrimRight(w.at(ev.Time)+"  "+name+pad+"  "+word+"  "+term.OneLine(text), " "))
}

func (w *watching) at(t time.Time) string {
	if w.Screen.Terminal {
		return t.In(w.Zone).Format("15:04:05.000")
	}
	return t.In(w.Zone).Format("2006-01-02T15:04:05.000Z07:00")
}

func eventColor(ev task.Event) term.Color {
	switch {
	case ev.Kind == task.EventEnded && ev.Run != nil:
		return verb.OutcomeColor(ev.Run.Outcome)
	case ev.Kind == task.EventRunning:
		return term.Green
	}
	return term.Plain
}

// line returns what a line says: which task, what happened, and details. If nothing
// happened, what is "".
func (w *watching) line(ev task.Event) (name, what, how string) {
	name = term.OneLine(w.names.Of(ev.TaskID, ev.Name))
	switch ev.Kind {
	case task.EventFact:
		return factChange(ev)
	case task.EventClock:
		return "clock", ev.Text, ""
	case task.EventPackage:
		return w.names.Package(ev.Package), "package", ev.Text
	case task.EventSnapshot, task.EventSynced:
		return name, "", "" // the state at the beginning
	case task.EventOccurrence:
		return occurrenceEnded(name, ev)
	case task.EventEnded:
		return w.runEnded(name, ev)
	}
	return name, ev.Kind.String(), w.details(ev)
}

func factChange(ev task.Event) (name, what, how string) {
	if ev.Fact == nil {
		return "", "", ""
	}
	f := *ev.Fact
	return term.OneLine(f.Name), term.OneLine(ev.Old.String() + " -> " + f.Value.String()), f.Origin()
}

func (w *watching) runEnded(name string, ev task.Event) (string, string, string) {
	if ev.Run == nil {
		return name, anyOutcome, ev.Text
	}
	return name, ev.Run.Outcome.String(), verb.Ended(*ev.Run)
}

// occurrenceEnded is the end of an occurrence, if no run says it.
func occurrenceEnded(name string, ev task.Event) (string, string, string) {
	if !noteworthy(ev) || ev.Occurrence == nil {
		return name, "", ""
	}
	return name, ev.End.String(), fmt.Sprintf("occurrence %d", ev.Occurrence.Number)
}

// details returns what follows the kind of an event.
func (w *watching) details(ev task.Event) string {
	switch ev.Kind {
	case task.EventFired:
		return w.fired(ev)
	case task.EventMissed:
		if ev.Missed != nil {
			return term.Joined("; ", fmt.Sprintf("%s until %s", instants(*ev.Missed), w.Clock(ev.Missed.Last)), missedWhy(*ev.Missed))
		}
	case task.EventStarting, task.EventRunning:
		return w.runs(ev)
	case task.EventProgress:
		if ev.Run != nil {
			return fmt.Sprint(ev.Run.Progress)
		}
	}
	return ev.Text
}

func (w *watching) fired(ev task.Event) string {
	if ev.Occurrence == nil {
		return ev.Text
	}
	s := term.Joined(", ", fmt.Sprintf("occurrence %d", ev.Occurrence.Number), ev.Text)
	if ev.State != nil && ev.State.Phase != task.Waiting {
		s += "; " + ev.State.At(term.Timeless)
	}
	return s
}

func (w *watching) runs(ev task.Event) string {
	r := ev.Run
	if r == nil {
		return ev.Text
	}
	o := r.Occurrence
	as := ""
	if o.Count > 1 && o.Number >= uint64(o.Count) {
		as = fmt.Sprintf("occurrences %d to %d as one run", o.Number-uint64(o.Count)+1, o.Number)
	}
	attempt := ""
	if r.Attempt > 1 {
		attempt = fmt.Sprintf("attempt %d", r.Attempt)
	}
	return term.Joined("; ", verb.Where(*r), as, attempt)
}

package following

import (
	"context"
	"fmt"
	"iter"
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

const historyShown = 20 // lines, unless -n is given

type historyOptions struct {
	most     int
	since    string
	outcomes []string
}

func newHistory(a *app) *cobra.Command {
	var o historyOptions
	c := &cobra.Command{
		Use:               "history [TASK]",
		Short:             "Show past runs and missed times, latest end first",
		Args:              verb.Between(0, 1),
		ValidArgsFunction: a.CompleteTask,
		RunE: func(c *cobra.Command, args []string) error {
			q, err := o.query(a)
			if err != nil {
				return err
			}
			all, err := a.Tasks(c.Context())
			if err != nil {
				return err
			}
			if len(args) == 1 {
				info, err := a.Resolve(c.Context(), args[0])
				if err != nil {
					return err
				}
				q.TaskID = info.TaskID
			}
			found, err := a.history(c.Context(), q, o.most)
			switch {
			case err != nil:
				return err
			case a.JSON:
				a.Object(term.Member("history", term.ListOf(found)))
			default:
				a.showHistory(found, verb.NewNames(all), len(args) == 0)
			}
			return nil
		},
	}
	c.Flags().IntVarP(&o.most, "lines", "n", historyShown, "show at most this `NUMBER` of lines; 0 shows all")
	c.Flags().StringVar(&o.since, "since", "", "show what ended since this `TIME`: 2h (ago), 09:00, or \"2026-11-23 09:00\"")
	c.Flags().StringSliceVar(&o.outcomes, "outcome", nil, "show only runs with these `OUTCOMES`: failed,crashed,...")
	_ = c.RegisterFlagCompletionFunc("outcome", verb.OfferWords(verb.OutcomeWords()...))
	a.PackageFlag(c)
	return c
}

func (o historyOptions) query(a *app) (wire.HistoryQuery, error) {
	q := wire.HistoryQuery{Kinds: []task.EventKind{task.EventEnded, task.EventMissed, task.EventOccurrence}}
	for _, word := range o.outcomes {
		outcome, err := task.ParseOutcome(word)
		if err != nil || outcome == task.OutcomeNone {
			return q, term.UnknownWord("--outcome", "outcome", word, verb.OutcomeWords())
		}
		q.Outcomes = append(q.Outcomes, outcome)
	}
	if len(q.Outcomes) > 0 {
		q.Kinds = []task.EventKind{task.EventEnded}
	}
	if o.most < 0 {
		return q, term.Refuse(fmt.Sprintf("-n %d is negative", o.most), "-n 0 shows all")
	}
	if o.since == "" {
		return q, nil
	}
	since, err := a.parseSince(o.since)
	q.Since = since
	return q, err
}

// sinceLayouts are the layouts of --since, in the user's time zone.
var sinceLayouts = []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly}

// parseSince parses a time, a time of today, or a duration before now.
func (a *app) parseSince(s string) (time.Time, error) {
	if d, err := term.ParseDuration(s); err == nil {
		return a.Now().Add(-d), nil
	}
	for _, layout := range sinceLayouts {
		if t, err := time.ParseInLocation(layout, s, a.Zone); err == nil {
			return t, nil
		}
	}
	if t, err := time.ParseInLocation("15:04", s, a.Zone); err == nil {
		y, m, d := a.Now().In(a.Zone).Date()
		return time.Date(y, m, d, t.Hour(), t.Minute(), 0, 0, a.Zone), nil
	}
	return time.Time{}, term.Refuse(fmt.Sprintf("--since %q is not a time", s), `write --since 2h, --since 09:00 or --since "2026-11-23 09:00"`)
}

// history returns at most most events; 0 means all.
func (a *app) history(ctx context.Context, q wire.HistoryQuery, most int) ([]task.Event, error) {
	return take(a.Broker.History(ctx, q), most, func(ev task.Event) bool {
		return noteworthy(ev) && (a.Package == "" || verb.InPackage(ev.Package, a.Package))
	})
}

func take(events iter.Seq2[task.Event, error], most int, wanted func(task.Event) bool) (found []task.Event, err error) {
	for ev, err := range events {
		if err != nil {
			return nil, err
		}
		if !wanted(ev) {
			continue
		}
		if found = append(found, ev); len(found) == most {
			break
		}
	}
	return found, nil
}

// noteworthy reports whether an event adds to the runs: the end of an occurrence often
// repeats what its last run says.
func noteworthy(ev task.Event) bool {
	if ev.Kind != task.EventOccurrence {
		return true
	}
	return slices.Contains([]task.End{task.EndExpired, task.EndRemoved, task.EndGaveUp}, ev.End)
}

func (a *app) showHistory(all []task.Event, n verb.Names, withTask bool) {
	if len(all) == 0 && a.Screen.Terminal {
		a.Printf("Nothing has run yet.\n")
		return
	}
	headings := []string{"STARTED", "OCC", "TRY", "OUTCOME", "TOOK", "WHERE"}
	if withTask {
		headings = slices.Insert(headings, 1, "TASK")
	}
	t := term.NewTable(headings...)
	for _, ev := range all {
		row := a.historyRow(ev)
		if withTask {
			row = slices.Insert(row, 1, term.Text(n.Of(ev.TaskID, ev.Name)))
		}
		t.Add(row...)
	}
	a.Table(t)
}

func (a *app) historyRow(ev task.Event) []term.Cell {
	switch {
	case ev.Run != nil:
		return a.runRow(*ev.Run)
	case ev.Missed != nil:
		m := *ev.Missed
		until := ""
		if !m.Last.Equal(m.First) {
			until = " until " + a.minute(m.Last, m.First)
		}
		return []term.Cell{term.Text(a.minute(m.First, time.Time{})), term.Text("-"), term.Text("-"), term.Text(fmt.Sprintf("%s missed%s", count(m), until)), term.Text("-"),
			term.Text(missedWhy(m))}
	case ev.Occurrence != nil:
		return []term.Cell{term.Text(a.Day(ev.Time)), term.Text(strconv.FormatUint(ev.Occurrence.Number, 10)), term.Text("-"), term.Text(ev.End.String()), term.Text("-"), term.Text(ev.Text)}
	}
	return []term.Cell{term.Text(a.Day(ev.Time)), term.Text("-"), term.Text("-"), term.Text(ev.Kind.String()), term.Text("-"), term.Text(ev.Text)}
}

func (a *app) runRow(r task.Run) []term.Cell {
	outcome := r.Outcome.String()
	switch {
	case r.Outcome == task.Canceled:
		outcome += ": " + r.Reason.String()
	case r.Exit != "" && r.Outcome != task.Completed:
		outcome += ", " + r.Exit
	}
	took := verb.Took(r)
	if took == "" {
		took = "-"
	}
	why := ""
	if r.Outcome != task.Completed && r.Outcome != task.Canceled {
		why = term.OneLine(r.Text)
	}
	return []term.Cell{term.Text(a.Day(r.Started)), term.Text(strconv.FormatUint(r.Occurrence.Number, 10)), term.Text(strconv.Itoa(r.Attempt)),
		term.Colored(verb.OutcomeColor(r.Outcome), outcome), term.Text(took), term.Text(term.Joined("; ", verb.Where(r), why))}
}

// minute formats the time of a timer, which seldom has seconds. It leaves out the day if
// the time same is on that day.
func (a *app) minute(t, same time.Time) string {
	if !a.Screen.Terminal {
		return a.Stamp(t)
	}
	s := a.Day(t)
	if t.In(a.Zone).Second() == 0 {
		s = strings.Replace(s, t.In(a.Zone).Format(time.TimeOnly), t.In(a.Zone).Format("15:04"), 1)
	}
	if !same.IsZero() && a.Days(t) == a.Days(same) {
		_, s, _ = strings.Cut(s, " ")
	}
	return s
}

func count(m task.Missed) string {
	if m.More {
		return fmt.Sprintf("%d or more", m.Count)
	}
	return strconv.Itoa(m.Count)
}

func instants(m task.Missed) string {
	if m.Count == 1 && !m.More {
		return "1 time"
	}
	return count(m) + " times"
}

func missedWhy(m task.Missed) string {
	s := m.Cause.String()
	if m.MadeUp != 0 {
		s += fmt.Sprintf("; made up by occurrence %d", m.MadeUp)
	}
	return s
}

package following

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

func newLogs(a *app) *cobra.Command {
	var run string
	var q wire.LogsQuery
	c := &cobra.Command{
		Use:               "logs TASK",
		Short:             "Show the output of launched processes",
		Args:              verb.Exactly(1),
		ValidArgsFunction: a.CompleteTask,
		RunE: func(c *cobra.Command, args []string) error {
			if q.Launches < 0 {
				return term.Refuse(fmt.Sprintf("-n %d is negative", q.Launches), "-n 0 shows all that is stored")
			}
			info, err := a.Resolve(c.Context(), args[0])
			if err != nil {
				return err
			}
			q.TaskID = info.TaskID
			if run != "" {
				q.Launches = 0
				if q.RunID, err = a.findRun(c.Context(), info, run); err != nil {
					return err
				}
			}
			return a.logs(a.Broker.Logs(c.Context(), q))
		},
	}
	c.Flags().IntVarP(&q.Launches, "launches", "n", 1, "show this `NUMBER` of latest launches; 0 shows all that are stored")
	c.Flags().StringVar(&run, "run", "", "show one run: its `ID`, or at least four digits of it")
	c.Flags().BoolVarP(&q.Follow, "follow", "f", false, "follow new output")
	a.PackageFlag(c)
	return c
}

// findRun finds a run of the task by the first digits of its id.
func (a *app) findRun(ctx context.Context, info task.Info, word string) (task.GUID, error) {
	if id, err := task.ParseGUID(word); err == nil {
		return id, nil
	}
	found := map[string]task.GUID{}
	if live := info.State.Run; live != nil && hasPrefix(live.ID, word) {
		found[live.ID.String()] = live.ID
	}
	for ev, err := range a.Broker.History(ctx, wire.HistoryQuery{TaskID: info.TaskID, Kinds: []task.EventKind{task.EventEnded}}) {
		if err != nil {
			return task.GUID{}, err
		}
		if ev.Run != nil && hasPrefix(ev.Run.ID, word) {
			found[ev.Run.ID.String()] = ev.Run.ID
		}
	}
	switch len(found) {
	case 0:
		return task.GUID{}, &task.Error{Op: "logs", Subject: info.Spec.Name, Err: task.ErrNotRegistered, Detail: fmt.Sprintf("no run with the id %q", word),
			Hint: "'bgtask history --json' lists the ids of runs; give at least four digits"}
	case 1:
		for _, id := range found {
			return id, nil
		}
	}
	return task.GUID{}, &task.Error{Op: "logs", Subject: info.Spec.Name, Err: term.ErrAmbiguous,
		Detail: fmt.Sprintf("%q matches %s", word, strings.Join(term.SortedKeys(found), ", ")), Hint: "give more digits"}
}

func hasPrefix(id task.GUID, digits string) bool {
	return len(digits) >= verb.MinDigits && strings.HasPrefix(id.String(), strings.ToLower(digits))
}

// logs writes the output unchanged: it comes from the user's own programs, and may be
// piped. A heading separates launches.
func (a *app) logs(output iter.Seq2[task.Output, error]) error {
	launches := 0
	for o, err := range output {
		switch {
		case err != nil:
			return err
		case a.JSON:
			a.Object(term.Member("output", newOutput(o)))
		case o.Launch != nil:
			launches++
			a.launch(*o.Launch)
		default:
			if _, err := a.Stdout.Write(o.Data); err != nil {
				return err
			}
		}
	}
	if launches == 0 && !a.JSON {
		a.Warn("no output is stored: the task was not launched, or ran in the application")
	}
	return nil
}

// launch prints a heading, on standard error so that the output can be piped.
func (a *app) launch(l task.Launch) {
	pid := ""
	if l.PID != 0 {
		pid = fmt.Sprintf("pid %d", l.PID)
	}
	cut := ""
	if l.Cut {
		cut = "the beginning is not stored"
	}
	_, _ = fmt.Fprintln(a.Stderr, a.Screen.Paint(term.Faint, term.Clean("-- "+term.Joined(", ", "launched "+a.Clock(l.Started), pid, l.Exit, cut))))
}

type output struct {
	Launch *launch `json:"launch"` // where a launch begins; its data follows
	Data   *string `json:"data"`
}

type launch struct {
	Token   task.LaunchToken `json:"token"`
	Package string           `json:"package"`
	Server  string           `json:"server"`
	PID     int              `json:"pid"`
	Started *time.Time       `json:"started"`
	Ended   *time.Time       `json:"ended"`
	Exit    *string          `json:"exit"`
	Cut     bool             `json:"cut"`
}

func newOutput(o task.Output) output {
	if l := o.Launch; l != nil {
		return output{Launch: &launch{l.Token, l.Package, l.Server, l.PID, term.TimeOrNull(l.Started), term.TimeOrNull(l.Ended), term.OrNull(l.Exit), l.Cut}}
	}
	data := strings.ToValidUTF8(string(o.Data), "\ufffd")
	return output{Data: &data}
}

package tasks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// fireOptions are the flags of fire.
type fireOptions struct {
	arg, argFile string
	wait, now    bool
	timeout      time.Duration
}

func newFire(a *app) *cobra.Command {
	var o fireOptions
	c := &cobra.Command{
		Use:   "fire TASK",
		Short: "Fire the trigger of a task now",
		Long: `Fire the trigger of a task now. The task still waits for its conditions; --now
waives them.

With --wait, the exit code says what happened: 0 the run completed, 6 the timeout
passed, 7 the timeout passed and the task is still held, 8 the run did not
complete.`,
		Example: `  bgtask fire backup --wait --timeout 10m
  bgtask fire backup --now`,
		Args:              verb.Exactly(1),
		ValidArgsFunction: a.CompleteTask,
		RunE: func(c *cobra.Command, args []string) error {
			how, err := o.firing(a.Stdin)
			if err != nil {
				return err
			}
			info, err := a.Resolve(c.Context(), args[0])
			if err != nil {
				return err
			}
			if o.wait || o.timeout > 0 {
				return a.fireAndWait(c.Context(), info, how, o.timeout)
			}
			return a.fire(c.Context(), info, how)
		},
	}
	c.Flags().StringVar(&o.arg, "arg", "", "`DATA` for the task, at most 64 KiB")
	c.Flags().StringVar(&o.argFile, "arg-file", "", "read the data from this `FILE`; - is standard input")
	c.Flags().BoolVar(&o.wait, "wait", false, "wait until the task has run")
	term.DurationVar(c.Flags(), &o.timeout, "timeout", "wait at most this long (implies --wait)")
	c.Flags().BoolVar(&o.now, "now", false, "ignore the conditions and any back-off; recorded in the history")
	a.PackageFlag(c)
	return c
}

func (o fireOptions) firing(stdin io.Reader) (client.Firing, error) {
	how := client.Firing{ByHand: true, Now: o.now}
	if o.arg != "" {
		how.Arguments = []byte(o.arg)
	}
	switch {
	case o.argFile == "":
		return how, nil
	case o.arg != "":
		return how, term.Refuse("--arg and --arg-file cannot be used together", "use one of them")
	}
	data, err := readPayload(o.argFile, stdin)
	if err != nil {
		return how, term.Refuse(fmt.Sprintf("--arg-file %s: %v", o.argFile, term.Cause(err)), "use - for standard input")
	}
	how.Arguments = data
	return how, nil
}

// readPayload reads at most one byte more than a payload may have. The broker refuses a
// payload that is too large.
func readPayload(path string, stdin io.Reader) ([]byte, error) {
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		stdin = f
	}
	return io.ReadAll(io.LimitReader(stdin, task.MaxPayload+1))
}

func (a *app) fire(ctx context.Context, info task.Info, how client.Firing) error {
	number, err := a.Broker.Fire(ctx, info.TaskID, how)
	if err != nil {
		return a.notFired(info, err)
	}
	if info, err = a.Broker.Task(ctx, info.TaskID); err != nil {
		return err
	}
	if a.JSON {
		a.Object(term.Member("fired", newFired(info, number)))
		return nil
	}
	a.Printf("%s\n", a.firedLine(info.Spec.Name, number, info.State))
	return nil
}

// notFired explains why a command task did not fire: commands take no arguments, and an
// earlier firing has not ended.
func (a *app) notFired(info task.Info, err error) error {
	if !errors.Is(err, task.ErrCurrentlyRunning) || info.Spec.Command == nil {
		return verb.Named(info, err)
	}
	return &task.Error{Op: "fire", Subject: info.Spec.Name, Err: err, Detail: "it is already fired, and that occurrence has not ended", Hint: "'bgtask why " + term.Quoted(info.Spec.Name) + "' explains it"}
}

// firedLine returns "SyncNotes: fired, occurrence 213; held: InternetAvailable".
func (a *app) firedLine(name string, number uint64, s task.State) string {
	text := s.At(term.Timeless)
	if s.Run != nil && s.Run.Occurrence.Number < number {
		text = "it waits for the live run to end"
	}
	return term.Clean(fmt.Sprintf("%s: fired, occurrence %d; %s", name, number, text))
}

// fired is the answer of fire as JSON.
type fired struct {
	TaskID  task.GUID  `json:"task_id"`
	Package string     `json:"package"`
	Name    string     `json:"name"`
	Number  uint64     `json:"occurrence"`
	State   task.State `json:"state"`
	End     *string    `json:"end"` // of the occurrence; null if it has not ended
	Run     *task.Run  `json:"run"` // the last one
}

func newFired(info task.Info, number uint64) fired {
	return fired{TaskID: info.TaskID, Package: info.Package, Name: info.Spec.Name, Number: number, State: info.State}
}

// waiter waits for one occurrence to end.
type waiter struct {
	*app
	info   task.Info
	number uint64
	state  task.State
	run    *task.Run
	end    task.End
}

// fireAndWait starts to watch before it fires, so that it misses no event.
func (a *app) fireAndWait(ctx context.Context, info task.Info, how client.Firing, timeout time.Duration) error {
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	w := &waiter{app: a, info: info, state: info.State}
	for ev, err := range a.Broker.Watch(waiting, wire.WatchQuery{TaskID: info.TaskID}) {
		switch {
		case err != nil && waiting.Err() == nil:
			return err
		case ev.Kind == task.EventSynced && w.number == 0:
			if err := w.fire(ctx, how); err != nil {
				return err
			}
			if timeout > 0 {
				defer time.AfterFunc(timeout, stop).Stop()
			}
		case w.number != 0 && w.over(ev):
			return w.report()
		}
	}
	if ctx.Err() != nil {
		return &task.Error{Op: "fire", Subject: info.Spec.Name, Err: context.Canceled, Detail: fmt.Sprintf("interrupted; the task is %s", w.state.At(term.Timeless))}
	}
	return w.timeout(timeout)
}

func (w *waiter) fire(ctx context.Context, how client.Firing) error {
	number, err := w.Broker.Fire(ctx, w.info.TaskID, how)
	if err != nil {
		return w.notFired(w.info, err)
	}
	w.number = number
	info, err := w.Broker.Task(ctx, w.info.TaskID)
	if err != nil {
		return err
	}
	w.state = info.State
	if !w.JSON {
		w.Printf("%s. Waiting; Ctrl-C stops waiting and leaves the task %s.\n", w.firedLine(w.info.Spec.Name, number, w.state), stays(w.state))
	}
	return nil
}

// stays says in what state the task is left.
func stays(s task.State) string {
	if s.Phase == task.Held || s.Phase == task.BackingOff {
		return "held"
	}
	return "unchanged"
}

// over takes in an event and reports whether the occurrence has ended, or will not run
// by itself anymore. It may have joined a newer occurrence, whose number is higher.
func (w *waiter) over(ev task.Event) bool {
	if ev.State != nil {
		w.state = *ev.State
	}
	if ev.Run != nil {
		w.run = ev.Run
	}
	switch ev.Kind {
	case task.EventOccurrence:
		if ev.Occurrence != nil && ev.Occurrence.Number >= w.number {
			w.end = ev.End
			return true
		}
	case task.EventUnregistered:
		w.end = task.EndRemoved
		return true
	case task.EventEnded:
		w.goesOn(ev)
	}
	return w.state.Phase == task.Suspended
}

// goesOn prints the end of a run that is followed by another attempt.
func (w *waiter) goesOn(ev task.Event) {
	if w.JSON || ev.Run == nil || ev.State == nil || ev.State.Phase != task.BackingOff && ev.State.Phase != task.Held {
		return
	}
	w.Printf("%s: %s; %s\n", term.Clean(w.info.Spec.Name), term.Joined(", ", ev.Run.Outcome.String(), verb.Ended(*ev.Run)), term.Clean(ev.State.At(term.Timeless)))
}

func (w *waiter) report() error {
	if w.JSON {
		f := newFired(w.info, w.number)
		f.State, f.Run = w.state, w.run
		if w.end != task.EndNone {
			f.End = term.OrNull(w.end.String())
		}
		w.Object(term.Member("fired", f))
		if w.end != task.EndDone {
			return term.Shown(term.ErrIncomplete)
		}
		return nil
	}
	if w.end == task.EndDone && w.run != nil {
		w.Printf("%s: %s\n", term.Clean(w.info.Spec.Name), term.Joined(", ", w.run.Outcome.String(), verb.Ended(*w.run)))
		return nil
	}
	return w.incomplete()
}

func (w *waiter) incomplete() error {
	e := &task.Error{Op: "fire", Subject: w.info.Spec.Name, Err: term.ErrIncomplete, Hint: "'bgtask history " + w.info.Spec.Name + "' shows its runs"}
	e.Detail = fmt.Sprintf("occurrence %d: %v", w.number, w.end)
	if w.state.Phase == task.Suspended {
		e.Detail = fmt.Sprintf("occurrence %d will not run by itself: %s", w.number, w.state.At(term.Timeless))
		e.Hint = "'bgtask why " + w.info.Spec.Name + "' explains it"
		return e
	}
	if w.run == nil {
		return e
	}
	if err := w.run.Err(); err != nil {
		e.Detail = fmt.Sprintf("occurrence %d: %s", w.number, term.OneLine(err.Error()))
		if w.end == task.EndGaveUp {
			e.Detail += "; no more attempts"
		}
		e.Hint = "'bgtask logs " + w.info.Spec.Name + "' shows what it wrote"
	}
	return e
}

func (w *waiter) timeout(after time.Duration) error {
	e := &task.Error{Op: "fire", Subject: w.info.Spec.Name, Err: term.ErrTimeout, Hint: "'bgtask why " + w.info.Spec.Name + "' explains it"}
	e.Detail = fmt.Sprintf("after %s the task is %s", task.Interval(after), w.state.At(term.Timeless))
	if w.state.Phase == task.Held {
		e.Err = term.ErrStillHeld
	}
	return e
}

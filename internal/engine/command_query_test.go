package engine

import (
	"fmt"
	"strings"

	"github.com/bgtask/bgtask/task"
)

// queryCommands change nothing.
var queryCommands = map[string]func(*world, args){
	"state": func(w *world, a args) {
		w.start()
		i, ok := w.e.Task(w.now, w.tasks[a.at(0)])
		if !ok {
			w.printf("%s: gone", a.at(0))
			return
		}
		w.printf("%s: %s", a.at(0), w.stateLine(i.State))
	},
	"why": func(w *world, a args) {
		w.start()
		x, _ := w.e.Why(w.now, w.tasks[a.at(0)])
		fmt.Fprintln(&w.out, strings.TrimRight(x.String(), "\n"))
	},
	// list [GROUP ...]: the tasks of no group, or of those.
	"list": func(w *world, a args) {
		w.start()
		for _, i := range w.e.Tasks(w.now, Filter{Groups: a.plain, All: a.has("all")}) {
			line := fmt.Sprintf("%s/%s: %s", i.Package, i.Spec.Name, w.stateLine(i.State))
			if i.Spec.Group != "" {
				line += "; in group " + i.Spec.Group
			}
			if i.LastEnd != nil {
				line += fmt.Sprintf("; last end %v of %d", i.LastEnd.End, i.LastEnd.Number)
			}
			for _, warning := range i.Warnings {
				line += "; warning: " + warning
			}
			w.printf("%s", line)
		}
	},
	"list-facts": func(w *world, a args) {
		w.start()
		for _, f := range w.e.Facts(w.now) {
			line := fmt.Sprintf("%s=%v since %s", f.Name, f.Value, w.clock(f.Since))
			if f.Source != "" {
				line += ", " + f.Source
			}
			if f.Cause != task.CauseNone {
				line += ", " + f.Cause.String()
			}
			if f.Overridden {
				line += ", overridden, really " + f.Real.String()
			}
			if !f.Until.IsZero() {
				line += " until " + w.clock(f.Until)
			}
			if len(f.UsedBy) > 0 {
				line += ", used by " + strings.Join(f.UsedBy, ",")
			}
			w.printf("%s", line)
		}
	},
	// deadline: when the engine wants to be woken.
	"deadline": func(w *world, a args) {
		w.start()
		if w.wake == 0 {
			w.printf("no deadline")
			return
		}
		w.printf("deadline in %v", w.wake-w.now.Boot)
	},
	"packages": func(w *world, a args) {
		w.start()
		for _, p := range w.e.Packages() {
			w.printf("%s %s %v", p.Family, p.Version, p.Access)
		}
	},
	// history N: the last N events that are stored.
	"history": func(w *world, a args) {
		all := w.store.history
		for _, ev := range all[max(0, len(all)-number(a.at(0))):] {
			w.printf("%d: %s %s %v %s %v", ev.Seq, ev.Time.Format("2006-01-02T15:04:05-07:00"), ev.Boot, ev.BootTime, ev.Name, ev.Kind)
		}
	},
	// counts TASK: its runs by outcome, and the counts that suspend it and end occurrences.
	"counts": func(w *world, a args) {
		r := w.e.regs[w.tasks[a.at(0)]]
		w.printf("%s: %d faults, %d tries, %d losses; %d runs, %d missed", a.at(0), r.Faults, r.Tries, r.Losses, r.Counts.Runs, r.Counts.Missed)
	},
	// quiet COMMAND ...: of each step only the number of events of each kind is shown.
	"quiet": func(w *world, a args) {
		command := commands[a.at(0)]
		a.plain = a.plain[1:]
		w.quietly(func() { command(w, a) })
	},
}

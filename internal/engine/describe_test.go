package engine

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/bgtask/bgtask/task"
)

// name returns a short name for an id of the engine: run1, launch2.
func (w *world) name(kind string, id task.GUID) string {
	if n, ok := w.names[id]; ok {
		return n
	}
	w.taken[kind]++
	short := kind + strconv.Itoa(w.taken[kind])
	w.names[id], w.ids[short] = short, id
	return short
}

func (w *world) host(id HostID) string {
	for name, h := range w.hosts {
		if h == id {
			return name
		}
	}
	return id.String()
}

// task returns a task's name, with its package if that is not app.
func (w *world) task(ev task.Event) string {
	if ev.Package == "app" || ev.Package == task.CommandPackage {
		return ev.Name
	}
	return ev.Package + "/" + ev.Name
}

// clock formats the time of day, with the day if it is not today.
func (w *world) clock(t time.Time) string {
	now := w.now.Wall
	switch t = t.In(now.Location()); {
	case t.Year() != now.Year():
		return t.Format("Jan 2 2006 15:04:05")
	case t.YearDay() != now.YearDay():
		return t.Format("Jan 2 15:04:05")
	}
	return t.Format("15:04:05")
}

func (w *world) event(ev task.Event) {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if ev.Name != "" {
		add("%s", w.task(ev))
		w.tasks[ev.Name] = ev.TaskID
	} else if ev.Package != "" {
		add("%s", ev.Package)
	}
	add("%v", ev.Kind)
	if ev.End != task.EndNone {
		add("%v", ev.End)
	}
	if o := ev.Occurrence; o != nil {
		add("occurrence %d", o.Number)
		if o.Count > 1 {
			add("(%d firings)", o.Count)
		}
		if o.Missed > 0 {
			add("(%d missed)", o.Missed)
		}
	}
	if r := ev.Run; r != nil {
		add("%s", w.name("run", r.ID))
		add("occurrence %d attempt %d", r.Occurrence.Number, r.Attempt)
		if r.Host != "" && ev.Kind == task.EventRunning {
			add("in %s", r.Host)
		}
		if ev.Kind == task.EventEnded {
			add("%s", describe(*r))
		}
	}
	if m := ev.Missed; m != nil {
		add("%d from %s to %s: %v", m.Count, w.clock(m.First), w.clock(m.Last), m.Cause)
		if m.More {
			add("or more")
		}
		if m.MadeUp != 0 {
			add("made up for by %d", m.MadeUp)
		}
	}
	if ev.Text != "" {
		add("%s", ev.Text)
	}
	w.printf("event   %s", strings.Join(parts, " "))
}

func describe(r task.Run) string {
	s := r.Outcome.String()
	if r.Outcome == task.Canceled || r.Outcome == task.TimedOut {
		s += " " + r.Reason.String()
	}
	if r.Forced {
		s += " forced"
	}
	for _, more := range []string{r.Exit, r.Text, r.Stderr} {
		if more != "" {
			s += ": " + more
		}
	}
	return s
}

func (w *world) action(a Action) {
	switch a := a.(type) {
	case Reply:
		w.reply(a.Answer)
	case Activate:
		act := a.Activation
		more := ""
		if c := act.Checkpoint; c != nil {
			more = fmt.Sprintf(" checkpoint %q of %d %s", c.Data, c.Number, c.Version)
		}
		more = strings.TrimRight(more+detailsText(act.Details), " ")
		w.printf("do      activate %s in %s: %s occurrence %d attempt %d%s", w.name("run", act.Instance), w.host(a.Host), act.Spec.Name, act.Occurrence.Number, act.Attempt, more)
	case CancelRun:
		w.printf("do      cancel %s in %s: %v", w.name("run", a.Instance), w.host(a.Host), a.Reason)
	case Acknowledge:
		w.printf("do      acknowledge %s", w.name("run", a.Instance))
	case ConfirmLeave:
		w.printf("do      let %s leave", w.host(a.Host))
	case Stay:
		w.printf("do      keep %s", w.host(a.Host))
	case DropHost:
		w.printf("do      drop %s: %s", w.host(a.Host), a.Text)
	case StartServer:
		w.printf("do      start %s: %s", w.name("launch", task.GUID(a.Token)), commandLine(a.Server))
	case FindProcess:
		w.printf("do      find %s", strings.TrimSpace(w.host(a.Process)+" "+w.launch(a.Token)))
	case Signal:
		signal := "SIGTERM"
		if a.Kill {
			signal = "SIGKILL"
		}
		w.printf("do      %s to %s", signal, strings.TrimSpace(w.host(a.Process)+" "+w.launch(a.Token)))
	case Watch:
		w.printf("do      watch %s", a.Trigger.Class())
	case RemoveFolders:
		w.printf("do      remove the folders of %s, keep data: %t", a.Package.Family, a.KeepData)
	default:
		w.printf("do      %s", strings.TrimPrefix(fmt.Sprintf("%T", a), "engine."))
	}
}

// detailsText formats the details that Run gets, if they are more than the time.
func detailsText(d task.Details) string {
	switch d := d.(type) {
	case task.TimeTriggerDetails:
		if d.Missed > 0 {
			return fmt.Sprintf(" due %s, %d missed", d.Due.Format("15:04:05"), d.Missed)
		}
	case task.SystemTriggerDetails:
		return fmt.Sprintf(" %v from %v to %v", d.Type, d.Old, d.New)
	case task.ApplicationTriggerDetails:
		return " arguments " + short(d.Arguments)
	case task.CustomSystemEventTriggerDetails:
		if len(d.Payload) > 0 {
			return " payload " + short(d.Payload)
		}
	case task.StorageLibraryContentChangedTriggerDetails:
		return fmt.Sprintf(" paths %v overflow %t", d.Paths, d.Overflow)
	case task.SocketActivityTriggerDetails:
		return " from " + d.Address
	case task.ManualDetails:
		return " by hand " + short(d.Arguments)
	}
	return ""
}

func short(b []byte) string {
	if len(b) > 100 {
		return fmt.Sprintf("of %d bytes", len(b))
	}
	return strconv.Quote(string(b))
}

func (w *world) launch(t task.LaunchToken) string {
	if t.IsZero() {
		return ""
	}
	return w.name("launch", task.GUID(t))
}

func (w *world) note(ev task.Event) {
	switch {
	case ev.Fact != nil:
		w.printf("note    %s %v -> %v", ev.Fact.Name, ev.Old, ev.Fact.Value)
	case ev.Run != nil:
		w.printf("note    %s %v %d", ev.Name, ev.Kind, ev.Run.Progress)
	default:
		w.printf("note    %s %s", ev.Name, w.stateLine(*ev.State))
	}
}

// stateLine formats a state with all its reasons.
func (w *world) stateLine(s task.State) string {
	out := s.Phase.String()
	for i, r := range s.Reasons {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		out += sep + r.Kind.String()
		if r.Condition != nil {
			out += " " + r.Condition.String()
		}
		if r.Cause != task.CauseNone {
			out += " (" + r.Cause.String() + ")"
		}
		if !r.Until.IsZero() {
			out += " until " + w.clock(r.Until)
		}
		if r.Detail != "" {
			out += " (" + r.Detail + ")"
		}
	}
	if s.Waiting > 0 {
		out += fmt.Sprintf("; %d waiting", s.Waiting)
	}
	if s.NextKnown {
		out += "; next " + s.Next.Format("Mon 15:04:05")
	}
	return out
}

func (w *world) reply(a Answer) {
	if a.Code != "" {
		w.printf("reply   %s: %s", a.Code, a.Detail)
		return
	}
	s := "ok"
	if a.Number != 0 {
		s += fmt.Sprintf(" occurrence %d", a.Number)
	}
	if a.Change == Updated {
		s += " updated"
	}
	if len(a.Tasks) > 0 {
		s += " " + strings.Join(a.Tasks, ",")
	}
	if len(a.Replaced) > 0 {
		s += fmt.Sprintf(" %d duplicates removed", len(a.Replaced))
	}
	if a.Access != 0 {
		s += " " + a.Access.String()
	}
	for _, warning := range a.Warnings {
		s += "; warning: " + warning
	}
	w.printf("reply   %s", s)
}

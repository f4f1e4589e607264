package forecast

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/calendar"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// plodder checks the forecast: it knows no wakes, no turns and no order of ends. Each
// second it reports all facts to the engine, ends the runs whose time is up, and lets
// the engine's timer ring.
type plodder struct {
	*state
	lasts   map[task.GUID]time.Duration
	until   map[task.GUID]time.Duration // when each run ends
	hosts   map[task.GUID]engine.HostID
	pid     int
	runs    []string
	started map[task.GUID]time.Time
}

func (p *plodder) deliver(ev engine.Event) {
	p.step(ev)
	out := p.out
	for _, w := range out.Writes {
		if a, ok := w.(engine.Append); ok {
			p.note(a.Event)
		}
	}
	for _, a := range out.Actions {
		switch a := a.(type) {
		case engine.StartServer: // a process for each run, which exits after it
			p.pid++
			process := task.Process{PID: p.pid, Start: 1, Boot: "boot"}
			p.deliver(engine.ServerStarted{Token: a.Token, Process: process})
			p.deliver(engine.Attached{Host: process, Package: a.Package, Token: a.Token, Objects: []task.Object{{CLSID: task.CommandClass, SingleUse: true}}})
		case engine.Activate:
			id := a.Activation.Instance
			p.until[id], p.hosts[id] = p.now.Boot+p.lasts[a.Activation.TaskID], a.Host
			p.deliver(engine.Accepted{Host: a.Host, Instance: id})
		case engine.CancelRun:
			p.end(a.Instance, task.Canceled)
		case engine.ConfirmLeave:
			p.deliver(engine.Exited{Process: a.Host, Token: p.token(a.Host), Exit: engine.Exit{Known: true, Status: "exit 0"}})
			p.deliver(engine.TreeEnded{Token: p.token(a.Host)})
		}
	}
}

func (p *plodder) token(id engine.HostID) (token task.LaunchToken) {
	for _, l := range p.e.Launches() {
		if l.Process == id {
			token = l.Token
		}
	}
	return token
}

func (p *plodder) end(id task.GUID, how task.Outcome) {
	host := p.hosts[id]
	delete(p.until, id)
	p.deliver(engine.Finished{Host: host, Instance: id, Result: task.Result{Outcome: how}})
	p.deliver(engine.LeaveRequested{Host: host})
}

func (p *plodder) note(ev task.Event) {
	switch ev.Kind {
	case task.EventStarting:
		p.started[ev.Run.ID] = p.now.Wall
	case task.EventEnded:
		if at, ok := p.started[ev.Run.ID]; ok {
			p.runs = append(p.runs, line(at, p.named[ev.TaskID], p.now.Wall, ev.Run.Outcome))
			delete(p.started, ev.Run.ID)
		}
	}
}

func line(began time.Time, name string, ended time.Time, how task.Outcome) string {
	return fmt.Sprint(began.Format(time.DateTime), " ", name, " ", ended.Format(time.DateTime), " ", how)
}

// second is what happens in one second.
func (p *plodder) second(facts []task.Fact) {
	p.deliver(engine.FactsReported{Source: "machine", Facts: facts})
	for again := true; again; {
		again = false
		for id, at := range p.until {
			if at <= p.now.Boot {
				p.end(id, task.Completed)
				again = true
				break
			}
		}
	}
	p.deliver(engine.Tick{})
	for p.out.Wake != 0 && p.out.Wake <= p.now.Boot {
		p.deliver(engine.Tick{})
	}
	p.now.Wall, p.now.Boot, p.now.Awake = p.now.Wall.Add(time.Second), p.now.Boot+time.Second, p.now.Awake+time.Second
}

// TestAsAPlodderSees checks that the predicted runs are those of an engine that is
// driven second by second, without any knowledge of what comes.
func TestAsAPlodderSees(t *testing.T) {
	zone := berlin(t)
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 7))
		begin := time.Date(2026, 10, 25, 0, 0, 0, 0, zone).Add(time.Duration(r.IntN(3600)) * time.Second) // a day of 25 hours
		s := newState(t, begin, task.Policy{RunsAtOnce: 1 + r.IntN(3), RunsPerPackage: 1 + r.IntN(3), MinFreshness: time.Second})
		s.facts("internet=yes", "on-ac=no", "user=present")
		p := &plodder{state: s, lasts: map[task.GUID]time.Duration{}, until: map[task.GUID]time.Duration{}, hosts: map[task.GUID]engine.HostID{}, started: map[task.GUID]time.Time{}}
		for i := range 1 + r.IntN(5) {
			s.register(randomSpec(r, fmt.Sprint("t", i)), nil)
			p.lasts[s.tasks[fmt.Sprint("t", i)]] = time.Duration(1+r.IntN(900)) * time.Second
		}
		end := begin.Add(time.Duration(1+r.IntN(4*3600)) * time.Second)
		q := Question{Until: end, Suppose: randomScript(r, begin, end), Lasts: func(id task.GUID) (time.Duration, int) { return p.lasts[id], 1 }}
		got := s.ask(q)
		if again := s.ask(q); !reflect.DeepEqual(got, again) {
			t.Errorf("seed %d: the same question got a different answer", seed)
		}
		for p.now.Wall.Before(end) {
			p.second(factsAt(q.Suppose, p.now.Wall))
		}
		compare(t, seed, got, p.runs)
	}
}

func compare(t *testing.T, seed uint64, got task.Simulation, want []string) {
	t.Helper()
	left := map[string]int{}
	for _, w := range want {
		left[w]++
	}
	n := 0
	for _, h := range got.Happenings {
		if h.Kind != task.HappensRun || h.Ended.IsZero() {
			continue
		}
		n++
		if l := line(h.At, h.Name, h.Ended, h.Outcome); left[l] == 0 {
			t.Errorf("seed %d: predicted, but does not happen: %s", seed, l)
		} else {
			left[l]--
		}
	}
	if n != len(want) {
		t.Errorf("seed %d: %d runs are predicted, but %d happen", seed, n, len(want))
	}
	if t.Failed() {
		t.Fatalf("%s\n%q", show(got), want)
	}
}

func randomSpec(r *rand.Rand, name string) task.Spec {
	s := task.Spec{Name: name}
	switch r.IntN(4) {
	case 0:
		s.Trigger = task.TimeTrigger{Freshness: time.Duration(60+r.IntN(3000)) * time.Second, OneShot: r.IntN(4) == 0}
	case 1:
		s.Trigger = task.CalendarTrigger{Expr: []string{"*:0/7", "2,3:30", "*-*-* *:*:00/45", "hourly"}[r.IntN(4)]}
	case 2:
		s.Trigger = task.SystemTrigger{Type: []task.SystemTriggerType{task.OnInternetAvailable, task.OnUserAway}[r.IntN(2)]}
	case 3:
		s.Trigger = task.MaintenanceTrigger{Freshness: time.Duration(300+r.IntN(3000)) * time.Second}
	}
	for _, c := range []task.Condition{task.InternetAvailable, task.ACPower, task.UserNotPresent} {
		if r.IntN(3) == 0 {
			s.Conditions = append(s.Conditions, c)
		}
	}
	s.CancelOnConditionLoss = r.IntN(2) == 0
	s.Misfire = task.Misfire{Policy: []task.MisfirePolicy{task.RunOnce, task.Skip}[r.IntN(2)]}
	if r.IntN(3) == 0 {
		s.Hold = task.Hold{AtMost: time.Duration(1+r.IntN(3600)) * time.Second, Then: []task.HoldThen{task.Drop, task.RunAnyway}[r.IntN(2)]}
	}
	if r.IntN(4) == 0 {
		s.Queue = 1 + r.IntN(3)
	}
	if r.IntN(3) == 0 {
		s.Exclusive = "key"
	}
	if r.IntN(3) == 0 {
		s.RunLimit = time.Duration(1+r.IntN(600)) * time.Second
	}
	return s
}

func randomScript(r *rand.Rand, begin, end time.Time) (all []task.Supposition) {
	values := map[string][]task.Value{task.FactInternet: {task.Yes, task.No, task.Unknown}, task.FactOnAC: {task.Yes, task.No}, task.FactUser: {task.Present, task.Away}}
	names := []string{task.FactInternet, task.FactOnAC, task.FactUser}
	seconds := int(end.Sub(begin) / time.Second)
	for range r.IntN(12) {
		s := task.Supposition{Fact: names[r.IntN(3)]}
		s.Value = values[s.Fact][r.IntN(len(values[s.Fact]))]
		if r.IntN(5) > 0 {
			s.From = begin.Add(time.Duration(r.IntN(seconds+1)) * time.Second)
		}
		if r.IntN(5) > 0 {
			s.Until = s.From.Add(time.Duration(1+r.IntN(3600)) * time.Second)
			if s.From.IsZero() {
				s.Until = begin.Add(time.Duration(1+r.IntN(3600)) * time.Second)
			}
		}
		all = append(all, s)
	}
	return all
}

// factsAt returns all facts at a time, by the simplest reading of the script.
func factsAt(all []task.Supposition, at time.Time) []task.Fact {
	now := map[string]task.Value{task.FactInternet: task.Yes, task.FactOnAC: task.No, task.FactUser: task.Present}
	for _, s := range all {
		if !s.From.After(at) && (s.Until.IsZero() || s.Until.After(at)) {
			now[s.Fact] = s.Value
		}
	}
	var facts []task.Fact
	for _, name := range []string{task.FactInternet, task.FactOnAC, task.FactUser} {
		facts = append(facts, task.Fact{Name: name, Value: now[name]})
	}
	return facts
}

// TestCalendarsAreMet checks that a calendar's runs are its instants, over both changes
// between summer and winter time.
func TestCalendarsAreMet(t *testing.T) {
	zone := berlin(t)
	for _, expr := range []string{"Mon..Fri 09:00", "*/15 2 * * *", "daily", "Sun 02:30", "*-*-* 02,03:30"} {
		for _, begin := range []time.Time{time.Date(2026, 10, 20, 12, 0, 0, 0, zone), time.Date(2027, 3, 25, 12, 0, 0, 0, zone)} {
			s := newState(t, begin, task.Policy{})
			s.register(task.Spec{Name: "c", Trigger: task.CalendarTrigger{Expr: expr}}, nil)
			end := begin.AddDate(0, 0, 10)
			schedule, err := calendar.Parse(expr)
			if err != nil {
				t.Fatal(err)
			}
			var want, got []string
			for at, ok := schedule.Next(begin, zone); ok && at.Before(end); at, ok = schedule.Next(at, zone) {
				want = append(want, at.Format(time.RFC3339))
			}
			for _, h := range s.ask(Question{Until: end}).Happenings {
				got = append(got, h.At.Format(time.RFC3339))
			}
			if len(want) == 0 || !reflect.DeepEqual(got, want) {
				t.Errorf("%s from %v:\ngot  %q\nwant %q", expr, begin, got, want)
			}
		}
	}
}

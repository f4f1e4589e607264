package forecast

import (
	"slices"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// simulation returns the answer, including what is not over at the end.
func (b *book) simulation(facts []task.Fact) task.Simulation {
	b.instantOver()
	f := b.f
	s := task.Simulation{Now: f.began, From: f.q.From, Until: f.now.Wall, Stopped: f.stopped}
	s.Facts = b.facts(facts)
	for _, info := range f.e.Tasks(f.now, engine.Filter{All: true}) {
		if a := b.accounts[info.TaskID]; a != nil {
			a.state = &info.State
		}
	}
	for _, a := range b.order {
		if !a.wanted {
			continue
		}
		b.stillHeld(a)
		a.prospect.State = withoutProcess(*a.state)
		if l, ran := f.lasting[a.prospect.TaskID]; ran {
			a.prospect.Lasts, a.prospect.LastsOf = l.each, l.of
		}
		s.Tasks = append(s.Tasks, a.prospect)
	}
	for _, h := range b.happened {
		s.Happenings = append(s.Happenings, *h)
	}
	slices.SortStableFunc(s.Happenings, func(x, y task.Happening) int { return x.At.Compare(y.At) })
	return s
}

// withoutProcess removes the process of a run, which is made up.
func withoutProcess(s task.State) task.State {
	if s.Run != nil {
		r := *s.Run
		r.Host, r.PID, r.Launch = "", 0, task.LaunchToken{}
		s.Run = &r
	}
	return s
}

// stillHeld adds what is still pending at the end, at the time since when it was held.
// What waits only for the end of a live run is left out.
func (b *book) stillHeld(a *account) {
	if a.state.Waiting == 0 || a.state.Run != nil {
		return
	}
	x, ok := b.f.e.Why(b.f.now, a.prospect.TaskID)
	if !ok {
		return
	}
	h := task.Happening{Kind: task.HappensHeld, Firings: a.state.Waiting, HeldFor: a.waits}
	if h.HeldSince = b.held(a, x.First); h.HeldSince.IsZero() {
		h.HeldSince = b.now()
	}
	if h.At = h.HeldSince; h.At.Before(b.f.q.From) {
		h.At = b.f.q.From
	}
	b.add(a, h)
}

// facts returns the facts that the tasks in question depend on.
func (b *book) facts(all []task.Fact) []task.Fact {
	needed := map[string]bool{}
	for _, a := range b.order {
		if a.wanted {
			for _, name := range a.facts {
				needed[name] = true
			}
		}
	}
	all = slices.DeleteFunc(slices.Clone(all), func(f task.Fact) bool { return !needed[f.Name] })
	for i := range all {
		all[i].UsedBy = nil
	}
	return all
}

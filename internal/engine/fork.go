// Forks, for simulation: a copy of the engine that shares only what is never written
// to. A fork must behave exactly as the original would, and neither may see what
// happens to the other; the simulator plays a fork beside the original to check both.

package engine

import (
	"fmt"
	"maps"
	"slices"

	"github.com/bgtask/bgtask/task"
)

// Fork returns an engine in the same state that continues independently: the same
// events at the same times give the same outputs. It may be called whenever Step may
// be. An error is a defect of the engine, which is unchanged.
func (e *Engine) Fork() (fork *Engine, err error) {
	defer func() { err = defectOf(recover()) }()
	f := forker{
		packs: make(map[*pack]*pack, len(e.packages)+len(e.leftovers)), regs: make(map[*reg]*reg, len(e.regs)), hosts: make(map[*host]*host, len(e.hosts)),
		launches: make(map[*launch]*launch, len(e.launches)), servers: make(map[*server]*server, len(e.servers)), runs: make(map[*run]*run, len(e.runs)),
		occs: map[*occ]*occ{}, facts: make(map[*fact]*fact, len(e.facts)), timers: make(map[*timer]*timer, len(e.elapsed.heap)+len(e.awake.heap)+len(e.wall.heap)),
	}
	f.begin(e)
	c := *e
	rng := *e.rng
	c.rng = &rng
	c.clock.gaps = slices.Clone(e.clock.gaps)
	c.packages, c.leftovers = mapped(f.packs, e.packages), mapped(f.packs, e.leftovers)
	c.regs, c.runs, c.hosts = mapped(f.regs, e.regs), mapped(f.runs, e.runs), mapped(f.hosts, e.hosts)
	c.launches, c.servers, c.keys = mapped(f.launches, e.launches), mapped(f.servers, e.servers), mapped(f.regs, e.keys)
	c.facts = mapped(f.facts, e.facts)
	c.sources = f.sources(e)
	c.edges, c.events = forkedSets(f, e.edges), forkedSets(f, e.events)
	c.answers = forkedAnswers(e.answers)
	c.stopping = f.stopping(e.stopping)
	c.ready.packs = each(f.packs, e.ready.packs)
	c.todo = f.todo(e.todo)
	c.out, c.dirty, c.history, c.touched = Output{}, nil, nil, nil // empty between steps
	c.elapsed, c.awake, c.wall = f.heap(e.elapsed), f.heap(e.awake), f.heap(e.wall)
	return &c, nil
}

// forker maps everything that is pointed to to its copy.
type forker struct {
	packs    map[*pack]*pack
	regs     map[*reg]*reg
	hosts    map[*host]*host
	launches map[*launch]*launch
	servers  map[*server]*server
	runs     map[*run]*run
	occs     map[*occ]*occ
	facts    map[*fact]*fact
	timers   map[*timer]*timer
}

// begin copies everything, and then makes the copies point to each other.
func (f forker) begin(e *Engine) {
	copyAll(f.packs, e.packages)
	copyAll(f.packs, e.leftovers)
	copyAll(f.regs, e.regs)
	copyAll(f.hosts, e.hosts)
	copyAll(f.launches, e.launches)
	copyAll(f.servers, e.servers)
	copyAll(f.runs, e.runs)
	copyAll(f.facts, e.facts)
	for old, r := range f.regs {
		f.reg(old, r)
	}
	for _, p := range f.packs {
		f.pack(p)
	}
	for old, h := range f.hosts {
		f.host(old, h)
	}
	for _, s := range f.servers {
		s.launching = f.launches[s.launching]
	}
	for old, l := range f.launches {
		l.server = f.servers[l.server]
		f.owned(&old.timer, &l.timer, l)
	}
	for old, u := range f.runs {
		u.reg, u.occ = f.regs[u.reg], f.occs[u.occ]
		f.owned(&old.timer, &u.timer, u)
	}
	for old, x := range f.facts {
		x.users = f.set(x.users)
		f.owned(&old.timer, &x.timer, x)
	}
}

// reg makes a copied registration point to copies: its package, its run, its
// occurrences and its timers.
func (f forker) reg(old, r *reg) {
	r.pack, r.twin, r.run = f.packs[r.pack], f.regs[r.twin], f.runs[r.run]
	pending := r.pending
	r.pending = nil
	for _, o := range pending {
		r.pending = append(r.pending, f.occ(o, r))
	}
	r.live = f.occ(r.live, r)
	f.owned(&old.elapsed, &r.elapsed, r)
	if r.cold == noCold {
		return
	}
	cold := *r.cold
	cold.Starts = slices.Clone(cold.Starts)
	if old := cold.wall; old != nil {
		wall := *old
		cold.wall = &wall
		f.owned(old, &wall, r)
	}
	r.cold = &cold
}

func (f forker) occ(old *occ, r *reg) *occ {
	if old == nil {
		return nil
	}
	o := *old
	o.reg, o.Tries = r, slices.Clone(o.Tries)
	f.occs[old] = &o
	return &o
}

func (f forker) pack(p *pack) {
	p.regs, p.suspended = f.set(p.regs), f.set(p.suspended)
	p.names = mapped(f.regs, p.names)
	p.hosts, p.ready = each(f.hosts, p.hosts), each(f.regs, p.ready)
}

func (f forker) host(old, h *host) {
	h.pack, h.runs = f.packs[h.pack], each(f.runs, h.runs)
	h.strays = maps.Clone(h.strays)
	for id, r := range h.strays {
		h.strays[id] = f.copyOf(r)
	}
	h.objects, h.served = slices.Clone(h.objects), slices.Clone(h.served)
	f.owned(&old.timer, &h.timer, h)
}

func (f forker) stopping(old *stopping) *stopping {
	if old == nil {
		return nil
	}
	s := *old
	s.requests = slices.Clone(s.requests)
	f.owned(&old.timer, &s.timer, &s)
	return &s
}

func (f forker) sources(e *Engine) map[string]*task.SourceState {
	all := make(map[string]*task.SourceState, len(e.sources))
	of := make(map[*task.SourceState]*task.SourceState, len(e.sources))
	for name, old := range e.sources {
		s := *old
		all[name], of[old] = &s, &s
	}
	for _, x := range f.facts {
		x.source = of[x.source]
	}
	return all
}

func (f forker) todo(old []work) []work {
	todo := slices.Clone(old)
	for i := range todo {
		todo[i].reg = f.copyOf(todo[i].reg)
	}
	return todo
}

// copyOf returns the copy of a registration that may already be gone, and is only
// referred to.
func (f forker) copyOf(old *reg) *reg {
	r := f.regs[old]
	if r == nil {
		gone := *old
		r = &gone
		f.regs[old] = r
		f.reg(old, r)
	}
	return r
}

// owned records the copy of a timer.
func (f forker) owned(old, t *timer, owner interface{ due(*Engine) }) {
	t.owner = owner
	f.timers[old] = t
}

func (f forker) heap(old timers) timers {
	all := timers{heap: make([]*timer, len(old.heap)), tie: old.tie}
	for i, t := range old.heap {
		c := f.timers[t]
		if c == nil {
			panic(defect{fmt.Sprintf("a timer of %T has no copy", t.owner)})
		}
		all.heap[i] = c
	}
	return all
}

func (f forker) set(old regSet) regSet {
	s := make(regSet, len(old))
	for r := range old {
		s[f.copyOf(r)] = struct{}{}
	}
	return s
}

func forkedSets[K comparable](f forker, old map[K]regSet) map[K]regSet {
	all := make(map[K]regSet, len(old))
	for k, s := range old {
		all[k] = f.set(s)
	}
	return all
}

func forkedAnswers(old answers) answers {
	c := answers{byID: make(map[RequestID]*remembered, len(old.byID)), order: make([]*remembered, len(old.order))}
	for i, a := range old.order {
		rem := *a
		c.order[i], c.byID[a.Request] = &rem, &rem
	}
	return c
}

// copyAll adds a copy of everything in all. The copies still point to what the
// originals point to.
func copyAll[K comparable, T any](to map[*T]*T, all map[K]*T) {
	slab := make([]T, 0, len(all))
	for _, old := range all {
		slab = append(slab, *old)
		to[old] = &slab[len(slab)-1]
	}
}

// mapped returns old with the copies as values.
func mapped[K comparable, T any](of map[*T]*T, old map[K]*T) map[K]*T {
	if old == nil {
		return nil
	}
	all := maps.Clone(old)
	for k, v := range old {
		all[k] = of[v]
	}
	return all
}

// each returns old with the copies.
func each[T any](of map[*T]*T, old []*T) []*T {
	all := slices.Clone(old)
	for i, v := range all {
		all[i] = of[v]
	}
	return all
}

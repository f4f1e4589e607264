//go:build linux

package source

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/bgtask/bgtask/task"
)

// How often a source that failed is tried again, and how long the next one of
// its chain waits: a service that only restarts (an update) should not make the
// facts flicker. The wait is shorter than task.SourceGrace, after which they
// would be unknown.
const (
	backoffFirst  = time.Second
	backoffMost   = time.Minute
	fallbackDelay = 5 * time.Second
)

// Run watches all chains and tells sink, until ctx ends. It leaves nothing
// behind.
func Run(ctx context.Context, chains []Chain, sink Sink) {
	s := &supervisor{sink: &deriver{Sink: sink}, ctx: ctx, states: map[string]task.SourceState{}}
	var all sync.WaitGroup
	for _, c := range chains {
		all.Go(func() { s.chain(ctx, c) })
	}
	all.Wait()
}

type supervisor struct {
	ctx context.Context // that of Run

	mu     sync.Mutex // guards what follows, and the calls of sink
	sink   Sink
	states map[string]task.SourceState // by source, as told last
}

// chain runs the first source of c and, while that is not up, the rest of it.
func (s *supervisor) chain(ctx context.Context, c Chain) {
	if len(c) == 0 {
		return
	}
	rest := &reserve{parent: ctx, run: func(ctx context.Context) { s.chain(ctx, c[1:]) }}
	m := &member{supervisor: s, entry: c[0]}
	m.up = func() {
		rest.stop()
		s.standby(c[1:])
	}
	m.down = rest.start
	m.run(ctx)
	rest.stop()
}

// standby tells of those that a better source made superfluous. One that does
// not exist stays not here: that says more.
func (s *supervisor) standby(c Chain) {
	for _, e := range c {
		s.mu.Lock()
		missing := s.states[e.Name].Status == task.SourceNotHere
		s.mu.Unlock()
		if !missing {
			s.tell(e, task.SourceStandby, nil)
		}
	}
}

func (s *supervisor) tell(e Entry, status task.SourceStatus, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := task.SourceState{Name: e.Name, Status: status, Facts: e.Facts, Triggers: e.Triggers}
	if why != nil {
		state.Detail = why.Error()
	}
	if gone := (*NotHere)(nil); errors.As(why, &gone) {
		state.Remedy = gone.Remedy
	}
	last, told := s.states[e.Name]
	if told && last.Status == status && last.Detail == state.Detail || s.ctx.Err() != nil {
		return
	}
	s.states[e.Name] = state
	s.sink.State(state)
}

func (s *supervisor) facts(source string, facts []task.Fact) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() == nil {
		s.sink.Facts(source, facts)
	}
}

// reserve is the rest of a chain, which runs on demand.
type reserve struct {
	parent context.Context
	run    func(context.Context)
	cancel context.CancelFunc // nil: not running
	done   chan struct{}
}

func (r *reserve) start(delay time.Duration) {
	if r.cancel != nil {
		return
	}
	ctx, cancel := context.WithCancel(r.parent)
	r.cancel, r.done = cancel, make(chan struct{})
	go func() {
		defer close(r.done)
		if sleep(ctx, delay) {
			r.run(ctx)
		}
	}()
}

func (r *reserve) stop() {
	if r.cancel == nil {
		return
	}
	r.cancel()
	<-r.done
	r.cancel = nil
}

// member is one source at work.
type member struct {
	*supervisor
	entry Entry
	up    func()                    // it speaks: those behind it can rest
	down  func(delay time.Duration) // it does not

	wasUp bool        // ever
	isUp  bool        // since Watch was called
	last  []task.Fact // reported since then
}

func (m *member) run(ctx context.Context) {
	m.tell(m.entry, task.SourceStarting, nil)
	wait := backoffFirst
	for ctx.Err() == nil {
		m.isUp, m.last = false, nil
		began := time.Now()
		err := m.entry.Source.Watch(ctx, m.report)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > backoffMost {
			wait = backoffFirst
		}
		m.ended(err)
		if !m.pause(ctx, err, wait) {
			return
		}
		wait = min(2*wait, backoffMost)
	}
}

// report passes on what changed. It is called by Watch only.
func (m *member) report(facts ...task.Fact) {
	if m.isUp && slices.EqualFunc(m.last, facts, sameFact) {
		return
	}
	if !m.isUp {
		m.isUp, m.wasUp = true, true
		m.tell(m.entry, task.SourceUp, nil)
		m.up() // first, so that nothing they say comes after what it says
	}
	m.last = slices.Clone(facts)
	told := slices.Clone(facts)
	for i := range told {
		told[i].Source = m.entry.Name
	}
	m.facts(m.entry.Name, told)
}

func sameFact(a, b task.Fact) bool {
	return a.Name == b.Name && a.Value == b.Value && a.Detail == b.Detail
}

// ended tells why Watch came back. A service that was here and is no more is
// gone; only one that never was is not here.
func (m *member) ended(err error) {
	missing := (*NotHere)(nil)
	switch {
	case errors.As(err, &missing) && !m.wasUp:
		m.tell(m.entry, task.SourceNotHere, err)
		m.down(0)
	case m.wasUp:
		m.tell(m.entry, task.SourceGone, err)
		m.down(fallbackDelay)
	default:
		m.tell(m.entry, task.SourceGone, err)
		m.down(0)
	}
}

// pause waits until the source is worth another try.
func (m *member) pause(ctx context.Context, err error, wait time.Duration) bool {
	missing := (*NotHere)(nil)
	if !errors.As(err, &missing) {
		return sleep(ctx, wait)
	}
	w, ok := m.entry.Source.(Waiter)
	if ok && w.Wait(ctx, missing) == nil {
		return sleep(ctx, backoffFirst)
	}
	if m.wasUp {
		return sleep(ctx, wait)
	}
	<-ctx.Done() // it will not appear by itself
	return false
}

// sleep says whether d passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

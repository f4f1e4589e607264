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

// A source that failed is tried again after a back-off from backoffFirst to
// backoffMost. The next source of its chain waits for fallbackDelay, so that a
// service that only restarts (for an update) does not make the facts flicker. That
// is shorter than task.SourceGrace, after which the facts would become unknown.
const (
	backoffFirst  = time.Second
	backoffMost   = time.Minute
	fallbackDelay = 5 * time.Second
)

// Run watches all chains and reports to sink until ctx ends. When it returns, no
// goroutine is left.
func Run(ctx context.Context, chains []Chain, sink Sink) {
	s := &supervisor{sink: &deriver{Sink: sink}, ctx: ctx, states: map[string]task.SourceState{}}
	var all sync.WaitGroup
	for _, c := range chains {
		all.Go(func() { s.chain(ctx, c) })
	}
	all.Wait()
}

// supervisor runs the chains and serializes their reports.
//
// In a chain every source runs as a member. While a member is up, the rest of its
// chain is stopped. While it is down, the rest runs as another chain,
// recursively. So at most one source of a chain reports, and it is the best one
// available.
type supervisor struct {
	ctx context.Context // the context of Run

	mu     sync.Mutex // guards the fields below, and serializes calls to sink
	sink   Sink
	states map[string]task.SourceState // by source: the last state reported
}

// chain runs the first source of c and, while that is down, the rest of c.
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

// standby reports the sources of c as standing by because a better one is up. A
// source whose service does not exist stays NotHereError, since that says more.
func (s *supervisor) standby(c Chain) {
	for _, e := range c {
		s.mu.Lock()
		missing := s.states[e.Name].Status == task.SourceNotHere
		s.mu.Unlock()
		if !missing {
			s.setState(e, task.SourceStandby, nil)
		}
	}
}

// setState reports a new state of a source, unless it equals the last one.
func (s *supervisor) setState(e Entry, status task.SourceStatus, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := task.SourceState{Name: e.Name, Status: status, Facts: e.Facts, Triggers: e.Triggers}
	if why != nil {
		state.Detail = why.Error()
	}
	if gone := (*NotHereError)(nil); errors.As(why, &gone) {
		state.Remedy = gone.Remedy
	}
	last, known := s.states[e.Name]
	if known && last.Status == status && last.Detail == state.Detail || s.ctx.Err() != nil {
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

// reserve is the rest of a chain, which runs on demand. Its methods are not
// called concurrently.
type reserve struct {
	parent context.Context
	run    func(context.Context)
	cancel context.CancelFunc // nil if not running
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

// member runs one source: it calls Watch again and again, with back-off.
type member struct {
	*supervisor
	entry Entry
	up    func()                    // called when the source starts to report
	down  func(delay time.Duration) // called when it stopped reporting

	wasUp bool        // since run began
	isUp  bool        // since Watch was last called
	last  []task.Fact // last report since then
}

func (m *member) run(ctx context.Context) {
	m.setState(m.entry, task.SourceStarting, nil)
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

// report passes on a report if it differs from the last one. Only Watch calls it.
func (m *member) report(facts ...task.Fact) {
	if m.isUp && slices.EqualFunc(m.last, facts, sameFact) {
		return
	}
	if !m.isUp {
		m.isUp, m.wasUp = true, true
		m.setState(m.entry, task.SourceUp, nil)
		m.up() // before the facts, so that no report of a lesser source comes after them
	}
	m.last = slices.Clone(facts)
	facts = slices.Clone(facts)
	for i := range facts {
		facts[i].Source = m.entry.Name
	}
	m.facts(m.entry.Name, facts)
}

func sameFact(a, b task.Fact) bool {
	return a.Name == b.Name && a.Value == b.Value && a.Detail == b.Detail
}

// ended reports why Watch returned, and starts the rest of the chain. A service
// that was up before is Gone, even if it does not exist now; only one that was
// never up is NotHereError.
func (m *member) ended(err error) {
	missing := (*NotHereError)(nil)
	switch {
	case errors.As(err, &missing) && !m.wasUp:
		m.setState(m.entry, task.SourceNotHere, err)
		m.down(0)
	case m.wasUp:
		m.setState(m.entry, task.SourceGone, err)
		m.down(fallbackDelay)
	default:
		m.setState(m.entry, task.SourceGone, err)
		m.down(0)
	}
}

// pause waits until the source is worth another try. It returns false if it never
// will be.
func (m *member) pause(ctx context.Context, err error, wait time.Duration) bool {
	missing := (*NotHereError)(nil)
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
	<-ctx.Done() // there is no way to notice that it appeared
	return false
}

// sleep waits for d and reports whether it passed before ctx ended.
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

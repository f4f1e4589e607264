package engine

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/bgtask/bgtask/task"
)

// answers remembers what was answered: the same request id again gets the same
// answer, also after a crash.
type answers struct {
	byID  map[RequestID]*remembered
	order []*remembered // oldest first
}

type remembered struct {
	Answer
	isDirty bool
	dropped bool
}

func (a *remembered) dirtyBit() *bool { return &a.isDirty }
func (a *remembered) write() Write {
	if a.dropped {
		return Delete{Remembered{Answer{Request: a.Request}}}
	}
	return Put{Remembered{a.Answer}}
}

// answer runs a request once and replies.
func (e *Engine) answer(id RequestID, run func() Answer) {
	if known := e.answers.byID[id]; known != nil && !id.IsZero() {
		e.do(Reply{id, known.Answer})
		return
	}
	a := run()
	a.Request, a.At = id, e.clock.elapsed
	if !id.IsZero() {
		e.remember(a)
	}
	e.do(Reply{id, a})
}

func (e *Engine) remember(a Answer) {
	rem := &remembered{Answer: a}
	e.answers.byID[a.Request] = rem
	e.answers.order = append(e.answers.order, rem)
	e.mark(rem)
	for n := 0; n < 2 && len(e.answers.order) > 0; n++ { // two for one: the list shrinks, and no step stalls
		old := e.answers.order[0]
		if len(e.answers.order) <= task.MaxRequests && e.clock.elapsed-old.At < task.RequestsKept {
			return
		}
		e.answers.order = e.answers.order[1:]
		delete(e.answers.byID, old.Request)
		old.dropped = true
		e.mark(old)
	}
}

// refuse is the answer to a request that changed nothing.
func refuse(sentinel error, subject, detail, hint string) Answer {
	return Answer{Code: task.Code(sentinel), Subject: subject, Detail: detail, Hint: hint}
}

// refusal is refuse for an error that says it all itself.
func refusal(err error, subject string) Answer {
	a := refuse(err, subject, err.Error(), task.Hint(err))
	if te := (*task.Error)(nil); errors.As(err, &te) && te.Detail != "" {
		a.Detail = te.Detail
	}
	return a
}

// Err is the answer as an error; nil for success.
func (a Answer) Err() error {
	if a.Code == "" {
		return nil
	}
	return &task.Error{Subject: a.Subject, Err: task.Sentinel(a.Code), Detail: a.Detail, Hint: a.Hint}
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

func sortedGUIDs[V any](m map[task.GUID]V) []task.GUID {
	return slices.SortedFunc(maps.Keys(m), func(a, b task.GUID) int { return slices.Compare(a[:], b[:]) })
}

func sortedTokens[V any](m map[task.LaunchToken]V) []task.LaunchToken {
	return slices.SortedFunc(maps.Keys(m), func(a, b task.LaunchToken) int { return slices.Compare(a[:], b[:]) })
}

// stopping is an end that is on its way.
type stopping struct {
	requests []RequestID // all who asked for it
	all      bool        // cancel everything first, then stop; else hand over
	by       time.Duration
	done     bool
	timer    timer
}

func (s *stopping) due(*Engine) {}

// handOver: no new starts; runs live on for the next broker.
func (e *Engine) handOver() {
	if e.stopping == nil {
		e.stopping = &stopping{}
	}
}

// stopAll cancels every live run and starts nothing after.
func (e *Engine) stopAll(ev StopAll) {
	e.handOver()
	s := e.stopping
	if by := e.now.Awake + ev.Within; !s.all || by < s.by { // who asks again can only shorten the time left
		s.all, s.by = true, by
	}
	s.timer.owner = s
	e.awake.arm(&s.timer, s.by)
	if s.requests = append(s.requests, ev.Request); s.done {
		e.do(Reply{ev.Request, Answer{Request: ev.Request}})
	}
	for _, u := range slices.SortedFunc(maps.Values(e.runs), olderRun) {
		e.cancel(u, ev.Reason, false)
	}
}

func (e *Engine) stopWhenDone() {
	s := e.stopping
	if s == nil || !s.all || s.done || len(e.runs) > 0 && e.now.Awake < s.by {
		return
	}
	s.done = true
	for _, token := range sortedTokens(e.launches) {
		live := slices.ContainsFunc(slices.Collect(maps.Values(e.runs)), func(u *run) bool { return u.Token == token })
		e.do(Signal{Process: e.launches[token].Process, Token: token, Kill: live}) // who had the time that was given gets no more
	}
	for _, id := range s.requests {
		e.do(Reply{id, Answer{Request: id}})
	}
	e.do(Stop{})
}

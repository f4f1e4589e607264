// Answers to requests, and the end of the broker. A client that loses its connection
// does not know whether its request was executed, so it sends it again with the same
// id; answers are stored in the same commit as their effects, so the second request
// gets the first answer, even from another broker after a crash. Stopping comes in two
// kinds: handing over to another broker leaves runs alone, StopAll cancels them first.

package engine

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/bgtask/bgtask/task"
)

// answers holds the answers that were given, by request id.
type answers struct {
	byID  map[RequestID]*remembered
	order []*remembered // oldest first
}

// remembered is an answer with its row.
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

// answer executes a request once and replies. A request id that is known gets the
// answer that it got before.
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

// remember keeps an answer and forgets old ones.
func (e *Engine) remember(a Answer) {
	rem := &remembered{Answer: a}
	e.answers.byID[a.Request] = rem
	e.answers.order = append(e.answers.order, rem)
	e.mark(rem)
	for n := 0; n < 2 && len(e.answers.order) > 0; n++ { // forget at most two for one added: the list shrinks, and no step takes long
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

// refuse returns the answer to a request that changed nothing.
func refuse(sentinel error, subject, detail, hint string) Answer {
	return Answer{Code: task.Code(sentinel), Subject: subject, Detail: detail, Hint: hint}
}

// refusal returns the answer that carries err, with its detail and hint.
func refusal(err error, subject string) Answer {
	a := refuse(err, subject, err.Error(), task.Hint(err))
	if te := (*task.Error)(nil); errors.As(err, &te) && te.Detail != "" {
		a.Detail = te.Detail
	}
	return a
}

// Err returns the refusal as an error, or nil for success.
func (a Answer) Err() error {
	if a.Code == "" {
		return nil
	}
	return &task.Error{Subject: a.Subject, Err: task.Sentinel(a.Code), Detail: a.Detail, Hint: a.Hint}
}

// sortedKeys returns the keys in order: ranging over a map would make the output
// random.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

func sortedGUIDs[V any](m map[task.GUID]V) []task.GUID {
	return slices.SortedFunc(maps.Keys(m), func(a, b task.GUID) int { return slices.Compare(a[:], b[:]) })
}

func sortedTokens[V any](m map[task.LaunchToken]V) []task.LaunchToken {
	return slices.SortedFunc(maps.Keys(m), func(a, b task.LaunchToken) int { return slices.Compare(a[:], b[:]) })
}

// stopping is the end of the broker, once it was asked for.
type stopping struct {
	requests []RequestID // all StopAll requests
	all      bool        // cancel everything, then stop; false: hand over
	by       time.Duration
	done     bool
	timer    timer
}

// due does nothing: the step that the timer causes ends with stopWhenDone.
func (s *stopping) due(*Engine) {}

// handOver stops all new starts. Live runs continue for the next broker.
func (e *Engine) handOver() {
	if e.stopping == nil {
		e.stopping = &stopping{}
	}
}

// stopAll cancels every live run and stops all new starts.
func (e *Engine) stopAll(ev StopAll) {
	e.handOver()
	s := e.stopping
	if by := e.now.Awake + ev.Within; !s.all || by < s.by { // a second request can only shorten the time left
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

// stopWhenDone ends the broker once no run is live or the time is up. Every launched
// process is then signaled: SIGTERM if it is idle, SIGKILL if it still has a run.
func (e *Engine) stopWhenDone() {
	s := e.stopping
	if s == nil || !s.all || s.done || len(e.runs) > 0 && e.now.Awake < s.by {
		return
	}
	s.done = true
	for _, token := range sortedTokens(e.launches) {
		live := slices.ContainsFunc(slices.Collect(maps.Values(e.runs)), func(u *run) bool { return u.Token == token })
		e.do(Signal{Process: e.launches[token].Process, Token: token, Kill: live}) // a run that is still live has used up its time
	}
	for _, id := range s.requests {
		e.do(Reply{id, Answer{Request: id}})
	}
	e.do(Stop{})
}

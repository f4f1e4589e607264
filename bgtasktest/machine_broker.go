package bgtasktest

import (
	"cmp"
	"context"
	"crypto/rand"
	"iter"
	"slices"
	"time"

	"github.com/bgtask/bgtask"
	"github.com/bgtask/bgtask/internal/calendar"
	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// caller is the application.
var caller = engine.Caller{Package: family}

// await registers f to be called with the answer to a request.
func (m *Machine) await(request task.GUID, f func(engine.Answer)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting[request] = f
}

// ask gives the engine a request and waits for the answer.
func (m *Machine) ask(ctx context.Context, op string, event func(task.GUID) engine.Event) (engine.Answer, error) {
	var request task.GUID
	_, _ = rand.Read(request[:]) // never fails
	answer := make(chan engine.Answer, 1)
	m.await(request, func(a engine.Answer) { answer <- a })
	m.step(event(request))
	select {
	case a := <-answer:
		return a, refusal(op, a)
	case <-ctx.Done():
		return engine.Answer{}, context.Cause(ctx)
	}
}

func refusal(op string, a engine.Answer) error {
	if a.Code == "" {
		return nil
	}
	return &bgtask.Error{Op: op, Subject: a.Subject, Err: task.Sentinel(a.Code), Detail: a.Detail, Hint: a.Hint}
}

// Register registers for the application.
func (s *seat) Register(ctx context.Context, spec task.Spec, how client.Registering) (wire.Registered, error) {
	schedule, zone, err := calendarOf(spec)
	if err != nil {
		return wire.Registered{}, err
	}
	a, err := s.ask(ctx, "register", func(id task.GUID) engine.Event {
		return engine.Register{Request: id, Caller: caller, Package: family, Spec: spec, Ensure: how.Ensure, Unique: how.Unique,
			Zone: zone, Calendar: schedule}
	})
	return wire.Registered{TaskID: a.TaskID, Change: wire.Change(a.Change), Warnings: a.Warnings, Replaced: a.Replaced}, err
}

// calendarOf parses the calendar of a trigger and loads the zone that it names; both
// are nil where there is none.
func calendarOf(spec task.Spec) (*calendar.Schedule, *time.Location, error) {
	c, ok := spec.Trigger.(task.CalendarTrigger)
	if !ok {
		return nil, nil, nil
	}
	name := c.Zone
	schedule, err := calendar.Parse(c.Expr)
	if err == nil {
		name = cmp.Or(name, schedule.Zone())
	}
	if name == "" {
		return schedule, nil, nil // the engine reports what is wrong with an expression
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, nil, &bgtask.Error{Op: "register", Subject: spec.Name, Err: bgtask.ErrInvalid, Detail: err.Error()}
	}
	return schedule, zone, nil
}

// Unregister removes a registration.
func (s *seat) Unregister(ctx context.Context, id task.GUID, cancel bool) error {
	_, err := s.ask(ctx, "unregister", func(request task.GUID) engine.Event {
		return engine.Unregister{Request: request, Caller: caller, TaskID: id, Cancel: cancel}
	})
	return err
}

// Fire fires a registration.
func (s *seat) Fire(ctx context.Context, id task.GUID, how client.Firing) (uint64, error) {
	a, err := s.ask(ctx, "fire", func(request task.GUID) engine.Event {
		return engine.Fire{Request: request, Caller: caller, TaskID: id, Arguments: how.Arguments, ByHand: how.ByHand, Now: how.Now}
	})
	return a.Number, err
}

// Raise raises an event.
func (s *seat) Raise(ctx context.Context, eventID string, payload []byte) ([]string, error) {
	a, err := s.ask(ctx, "raise", func(request task.GUID) engine.Event {
		return engine.Raise{Request: request, Caller: caller, EventID: eventID, Payload: payload}
	})
	return a.Tasks, err
}

// Cancel cancels a live run.
func (s *seat) Cancel(ctx context.Context, id task.GUID, reason task.CancellationReason, kill bool) error {
	_, err := s.ask(ctx, "cancel", func(request task.GUID) engine.Event {
		return engine.Cancel{Request: request, Caller: caller, TaskID: id, Reason: reason, Kill: kill}
	})
	return err
}

// Resume ends a suspension or a back-off.
func (s *seat) Resume(ctx context.Context, id task.GUID) error {
	_, err := s.ask(ctx, "resume", func(request task.GUID) engine.Event {
		return engine.Resume{Request: request, Caller: caller, TaskID: id}
	})
	return err
}

// RequestAccess asks for access.
func (s *seat) RequestAccess(ctx context.Context) (task.AccessStatus, error) {
	a, err := s.ask(ctx, "request access", func(request task.GUID) engine.Event {
		return engine.RequestAccess{Request: request, Caller: caller}
	})
	return a.Access, err
}

// Tasks lists registrations.
func (s *seat) Tasks(_ context.Context, q wire.TaskQuery) ([]task.Info, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.engine.Tasks(s.now(), engine.Filter{Package: family, Groups: q.Groups, All: q.AllGroups}), nil
}

// Task shows one registration.
func (s *seat) Task(_ context.Context, id task.GUID) (task.Info, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	info, ok := s.engine.Task(s.now(), id)
	if !ok {
		return info, notRegistered(id)
	}
	return info, nil
}

func notRegistered(id task.GUID) error {
	return &bgtask.Error{Subject: id.String(), Err: bgtask.ErrNotRegistered}
}

// Groups lists groups.
func (s *seat) Groups(context.Context) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.engine.Groups(family), nil
}

// Why explains the state of a registration.
func (s *seat) Why(_ context.Context, id task.GUID) (task.Explanation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	why, ok := s.engine.Why(s.now(), id)
	if !ok {
		return why, notRegistered(id)
	}
	return why, nil
}

// Facts lists facts.
func (s *seat) Facts(context.Context) ([]task.Fact, []task.SourceState, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.engine.Facts(s.now()), s.engine.Sources(), nil
}

// LocalFolder returns the path of the application's folder.
func (s *seat) LocalFolder(context.Context) (string, error) { return s.folder, nil }

// Close does nothing, since there is no connection.
func (s *seat) Close() error { return nil }

// History returns the log, newest first.
func (s *seat) History(_ context.Context, q wire.HistoryQuery) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) {
		s.mu.Lock()
		log := s.log
		s.mu.Unlock()
		for _, ev := range slices.Backward(log) {
			if stored(ev) && ev.TaskID == q.TaskID && slices.Contains(q.Kinds, ev.Kind) && !yield(ev, nil) {
				return
			}
		}
	}
}

func stored(ev task.Event) bool { return ev.Kind != task.EventProgress && ev.Kind != task.EventFact }

// Watch returns a snapshot, or what came after a cursor, and then new events.
func (s *seat) Watch(ctx context.Context, q wire.WatchQuery) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) {
		first, next, err := s.join(q)
		if err != nil {
			yield(task.Event{}, err)
			return
		}
		for _, ev := range first {
			if !yield(ev, nil) {
				return
			}
		}
		for {
			s.mu.Lock()
			more, grown := s.log[next:], s.grown
			s.mu.Unlock()
			for _, ev := range more {
				if wanted(ev, q) && !yield(ev, nil) {
					return
				}
			}
			next += len(more)
			select {
			case <-grown:
			case <-ctx.Done():
				return
			}
		}
	}
}

func wanted(ev task.Event, q wire.WatchQuery) bool { return q.TaskID.IsZero() || q.TaskID == ev.TaskID }

// join returns the events that a watch begins with, and where in the log it continues.
func (m *Machine) join(q wire.WatchQuery) (first []task.Event, next int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if q.Since != "" {
		seq, err := q.Since.Seq()
		for _, ev := range m.log {
			if ev.Seq > seq && stored(ev) && wanted(ev, q) {
				first = append(first, ev)
			}
		}
		return first, len(m.log), err
	}
	for _, info := range m.engine.Tasks(m.now(), engine.Filter{Package: family, All: true}) {
		ev := task.Event{Seq: m.engine.Seq(), Kind: task.EventSnapshot, Time: info.State.Now, TaskID: info.TaskID, Package: info.Package,
			Name: info.Spec.Name, State: &info.State, Info: &info}
		if wanted(ev, q) {
			first = append(first, ev)
		}
	}
	return append(first, task.Event{Seq: m.engine.Seq(), Kind: task.EventSynced}), len(m.log), nil
}

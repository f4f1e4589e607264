package selftest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bgtask/bgtask"
)

// inProcess serves the class here and has a task fired: it runs here, and one that
// waits is canceled when it is unregistered.
func (s *sitting) inProcess(ctx context.Context) {
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- (&bgtask.Server{Classes: []bgtask.Class{Class}, Client: s.client}).Serve(serving) }()
	defer func() {
		stop()
		s.find(verdict("Serve", "ended, with nothing left running", <-served))
	}()
	s.ran(ctx)
	s.canceled(ctx)
}

func (s *sitting) ran(ctx context.Context) {
	r, ok := s.request(ctx, "application")
	if !ok {
		return
	}
	defer r.Unregister(ctx, true)
	entry, err := s.await(ctx, Over, r.Name(), most)
	if err == nil && entry.Launched {
		err = fmt.Errorf("process %d was launched for it", entry.Process)
	}
	s.find(verdict("run in this process", "instance "+entry.Instance, err))
}

// canceled unregisters a running task: it is told Abort.
func (s *sitting) canceled(ctx context.Context) {
	r, ok := s.request(ctx, "application"+waits)
	if !ok {
		return
	}
	_, err := s.await(ctx, Entered, r.Name(), most)
	err = errors.Join(err, r.Unregister(ctx, true))
	var entry Entry
	if err == nil {
		entry, err = s.await(ctx, Over, r.Name(), most)
	}
	if want := bgtask.ReasonAbort.Error(); err == nil && entry.Reason != want {
		err = fmt.Errorf("the run was told %q, not %q", entry.Reason, want)
	}
	s.find(verdict("cancel", "unregistered while it ran: "+entry.Reason, err))
}

// request registers a task with an ApplicationTrigger and fires it.
func (s *sitting) request(ctx context.Context, name string) (*bgtask.Registration, bool) {
	r, err := s.builder(name, bgtask.ApplicationTrigger{}).Register(ctx)
	if err != nil {
		s.find(Finding{Note, "Request", "not tried: " + refusal(err)})
		return nil, false
	}
	if _, err := r.Request(ctx, nil); err != nil {
		s.find(Finding{Fail, "Request", refusal(err)})
		r.Unregister(ctx, true)
		return nil, false
	}
	return r, true
}

// launched leaves a timed task to the platform, and waits for it if it is to.
func (s *sitting) launched(ctx context.Context) {
	const subject = "launch"
	r, err := s.builder("timer", bgtask.TimeTrigger{Freshness: freshness, OneShot: true}).Ensure(ctx)
	if err != nil {
		s.find(Finding{Fail, subject, refusal(err)})
		return
	}
	wait := s.Wait
	if _, err := r.Request(ctx, nil); err == nil { // where it can be fired by hand
		wait = max(wait, most)
	}
	if wait == 0 {
		s.find(Finding{Note, subject, "the system launches this program in 15 to 30 minutes; the report will tell"})
		return
	}
	entry, err := s.await(ctx, Over, r.Name(), wait)
	if err == nil && !entry.Launched {
		err = fmt.Errorf("process %d was not launched for it", entry.Process)
	}
	s.find(verdict(subject, fmt.Sprintf("process %d was launched and ran it", entry.Process), err))
	s.find(verdict("Unregister", "removed", r.Unregister(ctx, true)))
}

// poll is how often the file of entries is looked at: other processes write it,
// and not every platform tells.
const poll = 50 * time.Millisecond

// await gives the sitting's entry of a task, as soon as there is one.
func (s *sitting) await(ctx context.Context, stage, name string, within time.Duration) (Entry, error) {
	ctx, stop := context.WithTimeout(ctx, within)
	defer stop()
	for {
		all, err := Entries(s.folder)
		if err != nil {
			return Entry{}, err
		}
		for _, e := range all {
			if e.Task == name && e.Stage == stage && !e.Time.Before(s.started) {
				return e, nil
			}
		}
		select {
		case <-ctx.Done():
			return Entry{}, fmt.Errorf("%s is not %s within %v: %w", name, stage, within, ctx.Err())
		case <-time.After(poll):
		}
	}
}

package selftest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bgtask/bgtask"
)

// inProcess serves the class in this process and fires two tasks. One runs to its
// end; the other waits, and is canceled by unregistering it.
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
	defer s.remove(ctx, r)
	entry, err := s.await(ctx, Over, r.Name(), most)
	if err == nil && entry.Launched {
		err = fmt.Errorf("process %d was launched for it", entry.Process)
	}
	s.find(verdict("run in this process", "instance "+entry.Instance, err))
}

// canceled unregisters a running task, which must be canceled with the reason
// Abort.
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
		err = fmt.Errorf("the run was canceled with %q, not %q", entry.Reason, want)
	}
	s.find(verdict("cancel", "unregistered while it ran: "+entry.Reason, err))
}

// remove unregisters a task and cancels its run. An error is not a finding: the next
// sitting removes what is left.
func (s *sitting) remove(ctx context.Context, r *bgtask.Registration) { _ = r.Unregister(ctx, true) }

// request registers a task with an ApplicationTrigger and fires it.
func (s *sitting) request(ctx context.Context, name string) (*bgtask.Registration, bool) {
	r, err := s.builder(name, bgtask.ApplicationTrigger{}).Register(ctx)
	if err != nil {
		s.find(Finding{Note, "Request", "skipped: " + refusal(err)})
		return nil, false
	}
	if _, err := r.Request(ctx, nil); err != nil {
		s.find(Finding{Fail, "Request", refusal(err)})
		s.remove(ctx, r)
		return nil, false
	}
	return r, true
}

// launched registers a timed task for the platform to launch. It waits for the
// run if the test is configured to wait, or if the task can be fired immediately.
func (s *sitting) launched(ctx context.Context) {
	const subject = "launch"
	r, err := s.builder("timer", bgtask.TimeTrigger{Freshness: freshness, OneShot: true}).Ensure(ctx)
	if err != nil {
		s.find(Finding{Fail, subject, refusal(err)})
		return
	}
	wait := s.Wait
	if _, err := r.Request(ctx, nil); err == nil { // on platforms that allow firing it directly
		wait = max(wait, most)
	}
	if wait == 0 {
		s.find(Finding{Note, subject, "the system launches this program in 15 to 30 minutes; see the report later"})
		return
	}
	entry, err := s.await(ctx, Over, r.Name(), wait)
	if err == nil && !entry.Launched {
		err = fmt.Errorf("process %d was not launched for it", entry.Process)
	}
	s.find(verdict(subject, fmt.Sprintf("process %d was launched and ran it", entry.Process), err))
	s.find(verdict("Unregister", "removed", r.Unregister(ctx, true)))
}

// poll is the interval at which the file of entries is read. Other processes
// write it, and not every platform can report changes.
const poll = 50 * time.Millisecond

// await waits for the current sitting's entry of a task at a stage.
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
			return Entry{}, fmt.Errorf("%s did not reach the stage %q within %v: %w", name, stage, within, ctx.Err())
		case <-time.After(poll):
		}
	}
}

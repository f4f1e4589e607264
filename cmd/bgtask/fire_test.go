package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bgtask/bgtask/task"
)

// TestFireAndWait plays what happens after a firing. The fake's watch ends where
// a real one would go on: there the time is up.
func TestFireAndWait(t *testing.T) {
	of := func(kind task.EventKind, number uint64) task.Event {
		return task.Event{Kind: kind, TaskID: syncID, Occurrence: &task.Occurrence{Number: number, Count: 1}}
	}
	synced := task.Event{Kind: task.EventSynced}
	end := func(number uint64, e task.End) task.Event {
		ev := of(task.EventOccurrence, number)
		ev.End = e
		return ev
	}
	ran := func(o task.Outcome, text string) task.Event {
		run := ran(o, "14:28:21", "14:28:22.2")
		run.Text, run.Reason = text, task.ReasonAbort
		return task.Event{Kind: task.EventEnded, TaskID: syncID, Run: run}
	}
	released := of(task.EventRunning, 213)
	released.State = &task.State{Phase: task.Running}
	tried := ran(task.Crashed, "")
	tried.Run.Exit, tried.State = "signal segmentation fault", &task.State{Phase: task.BackingOff, Attempt: 2, Attempts: 5}
	suspended := ran(task.Crashed, "")
	suspended.State = &task.State{Phase: task.Suspended, Faults: 5, Fault: task.Crashed}
	situations := []struct {
		name  string
		after []task.Event
	}{
		{"it is done", []task.Event{ran(task.Completed, ""), end(213, task.EndDone)}},
		{"an earlier one ends first", []task.Event{ran(task.Failed, "no"), end(212, task.EndFailed), ran(task.Completed, ""), end(213, task.EndDone)}},
		{"it joins a later one", []task.Event{of(task.EventFired, 214), ran(task.Completed, ""), end(214, task.EndDone)}},
		{"it fails", []task.Event{ran(task.Failed, "disk full\nand more"), end(213, task.EndFailed)}},
		{"it is canceled", []task.Event{ran(task.Canceled, ""), end(213, task.EndCanceled)}},
		{"it expires", []task.Event{end(213, task.EndExpired)}},
		{"the task is removed", []task.Event{{Kind: task.EventUnregistered, TaskID: syncID}}},
		{"it is still held", nil},
		{"it is tried again", []task.Event{tried, ran(task.Completed, ""), end(213, task.EndDone)}},
		{"it is suspended", []task.Event{tried, suspended}},
		{"it is still running", []task.Event{released}},
	}
	var b strings.Builder
	for _, s := range situations {
		f := fixed()
		f.watched, f.after = []task.Event{of(task.EventOccurrence, 999), synced}, s.after
		fmt.Fprintf(&b, "# %s\n%s", s.name, transcript(f, tty, "fire", "SyncNotes", "--timeout", "90s"))
	}
	golden(t, "fire-wait.txt", b.String())
}

// TestBrokerErrors shows what the broker's own errors look like.
func TestBrokerErrors(t *testing.T) {
	var b strings.Builder
	for _, err := range []error{
		&task.Error{Op: "list", Err: task.ErrUnavailable, Detail: "the broker does not answer on /run/user/1000/bgtask/bgtask.sock",
			Hint: "'bgtask doctor' diagnoses the cause; 'systemctl --user start bgtask' starts it"},
		&task.Error{Op: "list", Subject: "x", Err: task.ErrAccessDenied, Detail: "bad \x1b[31mwords\u202e", Hint: "two\nlines"},
		errors.Join(&task.Error{Err: task.ErrLimit, Detail: "one"}, &task.Error{Err: task.ErrInvalid, Detail: "two"}, &task.Error{Err: task.ErrInvalid, Detail: "three", Hint: "try"}),
	} {
		for _, args := range [][]string{{"list"}, {"list", "--json"}, {"doctor"}} {
			f := fixed()
			f.err = err
			b.WriteString(transcript(f, tty, args...))
		}
	}
	golden(t, "broker-errors.txt", b.String())
}

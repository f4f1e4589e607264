//go:build linux

package e2e

import (
	"fmt"
	"slices"

	"github.com/bgtask/bgtask/task"
)

// story is everything that the events say about one task.
type story struct {
	fired []uint64
	began map[task.GUID]task.Run
	ended []task.Run
	ends  []task.Event
	queue bool
}

func storyOf(id task.GUID, all []task.Event) *story {
	s := &story{began: make(map[task.GUID]task.Run)}
	for _, ev := range all {
		if ev.TaskID != id {
			continue
		}
		switch ev.Kind {
		case task.EventRegistered:
			s.queue = ev.Info != nil && ev.Info.Spec.Queue > 0
		case task.EventFired:
			s.fired = append(s.fired, ev.Occurrence.Number)
		case task.EventStarting:
			s.began[ev.Run.ID] = *ev.Run
		case task.EventEnded:
			s.ended = append(s.ended, *ev.Run)
		case task.EventOccurrence:
			s.ends = append(s.ends, ev)
		}
	}
	return s
}

// faults returns breaches of what is promised for every task that has nothing pending.
func (s *story) faults() []string {
	return slices.Concat(s.firingFaults(), s.runFaults(), s.endFaults())
}

// firingFaults checks that firings are numbered from 1, without a gap.
func (s *story) firingFaults() (faults []string) {
	for i, number := range s.fired {
		if number != uint64(i)+1 {
			faults = append(faults, fmt.Sprintf("firing %d has number %d", i+1, number))
		}
	}
	return faults
}

// runFaults checks that each run that began has exactly one outcome, and that the
// attempts at an occurrence are counted from 1.
func (s *story) runFaults() (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	outcomes := make(map[task.GUID]int)
	attempts := make(map[uint64]int)
	for _, run := range s.ended {
		outcomes[run.ID]++
		if _, ok := s.began[run.ID]; !ok {
			fault("run %v ended, but never began", run.ID)
		}
		if outcomes[run.ID] > 1 {
			fault("run %v of occurrence %d has a second outcome, %v", run.ID, run.Occurrence.Number, run.Outcome)
		}
		number := run.Occurrence.Number
		if attempts[number]++; run.Attempt != attempts[number] {
			fault("occurrence %d: attempt %d after %d", number, run.Attempt, attempts[number]-1)
		}
	}
	for id, run := range s.began {
		if outcomes[id] == 0 {
			fault("run %v of occurrence %d has no outcome", id, run.Occurrence.Number)
		}
	}
	return faults
}

// endFaults checks that each firing belongs to one occurrence, and that it ended once.
func (s *story) endFaults() (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	ended := make(map[uint64]bool)
	covered, last := 0, uint64(0)
	for _, ev := range s.ends {
		o := ev.Occurrence
		if ended[o.Number] {
			fault("occurrence %d ended twice", o.Number)
		}
		ended[o.Number] = true
		covered += o.Count
		if !s.queue && o.Number != last+uint64(o.Count) {
			fault("occurrence %d of %d firings ended after occurrence %d", o.Number, o.Count, last)
		}
		last = max(last, o.Number)
		done := slices.ContainsFunc(s.ended, func(run task.Run) bool {
			return run.Occurrence.Number == o.Number && run.Outcome == task.Completed
		})
		if ev.End == task.EndDone && !done {
			fault("occurrence %d is done, but no run of it completed", o.Number)
		}
	}
	if covered != len(s.fired) || last != uint64(len(s.fired)) {
		fault("%d firings; the ended occurrences have %d, the last one is %d", len(s.fired), covered, last)
	}
	return faults
}

package forecast

import (
	"cmp"
	"fmt"
	"time"

	"github.com/bgtask/bgtask/task"
)

// Question is what to simulate. Its zero fields mean: from now, no script, every run
// takes task.SimulatedRun, all tasks, and no early end.
type Question struct {
	From    time.Time
	Until   time.Time
	Suppose []task.Supposition                              // if two set the same fact at the same time, the later one counts
	Lasts   func(id task.GUID) (each time.Duration, of int) // how long runs of a task take, and of how many past runs that is the median
	Wanted  func(task.Info) bool                            // the tasks in question; the others run too, but are not reported
	Over    func() error                                    // called from time to time; an error ends the simulation
}

// Check refuses what cannot be answered, as of now.
func (q Question) Check(now time.Time) error {
	from := q.From
	if from.IsZero() {
		from = now
	}
	switch most := task.MaxSimulated; {
	case from.Before(now.Add(-time.Minute)): // clients round times, and take a while
		return &task.Error{Err: task.ErrInvalid, Detail: "a simulation cannot begin in the past", Hint: "'bgtask history' shows the past"}
	case !q.Until.After(from), !q.Until.After(now):
		return &task.Error{Err: task.ErrInvalid, Detail: "a simulation cannot end before it begins"}
	case q.Until.Sub(now) > most:
		return &task.Error{Err: task.ErrLimit, Detail: fmt.Sprintf("a simulation that ends in %s exceeds the limit of %s", task.Duration(q.Until.Sub(now)), task.Duration(most))}
	case len(q.Suppose) > task.MaxSuppositions:
		return &task.Error{Err: task.ErrLimit, Detail: fmt.Sprintf("%d assumptions exceed the limit of %d", len(q.Suppose), task.MaxSuppositions),
			Hint: "simulate a shorter time"}
	}
	for _, s := range q.Suppose {
		if err := checkSupposition(s); err != nil {
			return err
		}
	}
	return nil
}

func checkSupposition(s task.Supposition) error {
	if !s.Until.IsZero() && !s.From.IsZero() && !s.Until.After(s.From) {
		return &task.Error{Subject: s.Fact, Err: task.ErrInvalid, Detail: "an assumption cannot end before it begins"}
	}
	return task.CheckFact(s.Fact, s.Value)
}

// lasts returns how long runs of a task take. It asks the question once for each task.
func (f *forecast) lasts(id task.GUID) lasting {
	l, known := f.lasting[id]
	if !known {
		l.each = task.SimulatedRun
		if f.q.Lasts != nil {
			each, of := f.q.Lasts(id)
			l = lasting{cmp.Or(max(each, 0), task.SimulatedRun), of}
		}
		f.lasting[id] = l
	}
	return l
}

// lasting is how long runs of a task take.
type lasting struct {
	each time.Duration
	of   int
}

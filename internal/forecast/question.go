package forecast

import (
	"cmp"
	"fmt"
	"time"

	"github.com/bgtask/bgtask/task"
)

// Question is what is asked. Its zero fields are: from now, no script, every run
// lasts task.SimulatedRun, of all tasks, and it is not given up.
type Question struct {
	From    time.Time
	Until   time.Time
	Suppose []task.Supposition                              // of two of one fact the later one counts
	Lasts   func(id task.GUID) (each time.Duration, of int) // how long runs of a task last, and of how many past ones that is the median
	Wanted  func(task.Info) bool                            // of which tasks is told; all run
	Over    func() error                                    // asked now and then; an error ends it
}

// Check refuses what cannot be answered, as of now.
func (q Question) Check(now time.Time) error {
	from := q.From
	if from.IsZero() {
		from = now
	}
	switch most := task.MaxSimulated; {
	case from.Before(now.Add(-time.Minute)): // clients round, and take a while
		return &task.Error{Err: task.ErrInvalid, Detail: "a simulation cannot begin in the past", Hint: "'bgtask history' tells of the past"}
	case !q.Until.After(from), !q.Until.After(now):
		return &task.Error{Err: task.ErrInvalid, Detail: "a simulation cannot end before it begins"}
	case q.Until.Sub(now) > most:
		return &task.Error{Err: task.ErrLimit, Detail: fmt.Sprintf("a simulation that ends in %s is longer than the %s allowed", task.Duration(q.Until.Sub(now)), task.Duration(most))}
	case len(q.Suppose) > task.MaxSuppositions:
		return &task.Error{Err: task.ErrLimit, Detail: fmt.Sprintf("%d suppositions are more than the %d allowed", len(q.Suppose), task.MaxSuppositions),
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
		return &task.Error{Subject: s.Fact, Err: task.ErrInvalid, Detail: "a supposition cannot end before it begins"}
	}
	return task.CheckFact(s.Fact, s.Value)
}

// lasts asks once for each task.
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

// lasting is how long runs of a task last.
type lasting struct {
	each time.Duration
	of   int
}

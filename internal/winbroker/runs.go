package winbroker

import (
	"slices"

	"github.com/bgtask/bgtask/task"
)

const (
	hostApplication = "the application"
	hostLaunched    = "launched"
)

// shown returns a run as package task defines it. A run without an outcome whose
// process is gone is Lost.
func (r *records) shown(info task.Info, kept run) task.Run {
	shown := task.Run{
		ID: kept.Instance, TaskID: info.TaskID, Name: info.Spec.Name, Package: info.Package, Occurrence: kept.occurrence(), Attempt: 1,
		Host: hostApplication, PID: kept.PID, Started: kept.Started, Entered: kept.Started, Ended: kept.Ended, Progress: kept.Progress, Text: kept.Text,
	}
	if kept.Launched {
		shown.Host = hostLaunched
	}
	shown.Outcome, _ = task.ParseOutcome(kept.Outcome)
	shown.Reason, _ = task.ParseReason(kept.Reason)
	if shown.Outcome == task.OutcomeNone && !r.alive(kept.Instance) {
		shown.Outcome, shown.Ended, shown.Text = task.Lost, kept.Started, "its process exited without reporting an outcome"
	}
	return shown
}

// occurrence returns the occurrence of a run. On Windows each run is one firing.
func (k run) occurrence() task.Occurrence {
	return task.Occurrence{Number: k.Number, Due: k.Started, Observed: k.Started, Last: k.Started, Count: 1}
}

// runs returns the runs that are kept, newest first.
func (r *records) runs(info task.Info) ([]task.Run, error) {
	numbers, err := r.numbers(info.TaskID)
	if err != nil {
		return nil, err
	}
	var all []task.Run
	for _, n := range slices.Backward(numbers) {
		if kept, ok := r.run(info.TaskID, n); ok {
			all = append(all, r.shown(info, kept))
		}
	}
	return all, nil
}

// fill adds what the records contain about the runs.
func (r *records) fill(info *task.Info) error {
	all, err := r.runs(*info)
	if err != nil {
		return err
	}
	for i := range all {
		over := all[i].Outcome != task.OutcomeNone
		switch {
		case !over && info.State.Run == nil:
			info.State.Phase, info.State.Since, info.State.Run = task.Running, all[i].Started, &all[i]
		case over:
			info.Counts.Runs++
			info.Counts.ByOutcome[all[i].Outcome]++
			if info.LastRun == nil {
				info.LastRun = &all[i]
				info.LastEnd = &task.Ended{Number: all[i].Occurrence.Number, End: endOf(all[i]), At: all[i].Ended}
			}
		}
	}
	return nil
}

// endOf returns the end of a run's occurrence. On Windows there are no further
// attempts.
func endOf(r task.Run) task.End {
	switch r.Outcome {
	case task.Completed:
		return task.EndDone
	case task.Canceled:
		return task.EndCanceled
	}
	return task.EndFailed
}

// keepsCheckpoint reports whether the next run continues where a run with this outcome
// stopped.
func keepsCheckpoint(outcome task.Outcome) bool {
	return outcome != task.Completed && outcome != task.Failed
}

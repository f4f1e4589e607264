package wire

import (
	"fmt"

	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// ReasonTo converts a cancellation reason.
func ReasonTo(r task.CancellationReason) pb.CancellationReason { return pb.CancellationReason(r) + 1 }

// ReasonFrom converts the reason in a request. Unspecified becomes Abort.
func ReasonFrom(n pb.CancellationReason) (task.CancellationReason, error) {
	r := task.CancellationReason(max(n, 1) - 1)
	if _, ok := r.Row(); !ok || n < 0 {
		return 0, &task.Error{Subject: "reason", Err: task.ErrInvalid, Detail: fmt.Sprintf("there is no cancellation reason number %d", n-1)}
	}
	return r, nil
}

func (d *decoder) reason(n pb.CancellationReason) task.CancellationReason {
	if n < 0 {
		d.invalid("reason", fmt.Sprintf("there is no cancellation reason number %d", n))
		return 0
	}
	return task.CancellationReason(max(n, 1) - 1)
}

func occurrenceTo(o task.Occurrence) *pb.Occurrence {
	if o == (task.Occurrence{}) {
		return nil
	}
	return &pb.Occurrence{
		Number: o.Number, Due: timeTo(o.Due), Observed: timeTo(o.Observed), Last: timeTo(o.Last), Count: uint32(o.Count), Missed: uint32(o.Missed),
	}
}

func (d *decoder) occurrence(m *pb.Occurrence) task.Occurrence {
	return task.Occurrence{
		Number:   m.GetNumber(),
		Due:      d.time("occurrence.due", m.GetDue()),
		Observed: d.time("occurrence.observed", m.GetObserved()),
		Last:     d.time("occurrence.last", m.GetLast()),
		Count:    int(m.GetCount()),
		Missed:   int(m.GetMissed()),
	}
}

// RunTo converts a run.
func RunTo(r task.Run) *pb.Run {
	return &pb.Run{
		Id:         guidTo(r.ID),
		TaskId:     guidTo(r.TaskID),
		Name:       text(r.Name),
		Package:    text(r.Package),
		Occurrence: occurrenceTo(r.Occurrence),
		Attempt:    uint32(r.Attempt),
		Host:       text(r.Host),
		Pid:        uint32(r.PID),
		Launch:     guidTo(task.GUID(r.Launch)),
		Started:    timeTo(r.Started),
		Entered:    timeTo(r.Entered),
		Ended:      timeTo(r.Ended),
		Progress:   r.Progress,
		ProgressAt: timeTo(r.ProgressAt),
		Outcome:    pb.Outcome(r.Outcome),
		Reason:     ReasonTo(r.Reason),
		Forced:     r.Forced,
		Exit:       text(r.Exit),
		Text:       text(r.Text),
		Stderr:     text(r.Stderr),
		Awake:      durationTo(r.Awake),
	}
}

func (d *decoder) run(m *pb.Run) task.Run {
	return task.Run{
		ID:         d.guid("run.id", m.GetId()),
		TaskID:     d.guid("run.task_id", m.GetTaskId()),
		Name:       m.GetName(),
		Package:    m.GetPackage(),
		Occurrence: d.occurrence(m.GetOccurrence()),
		Attempt:    int(m.GetAttempt()),
		Host:       m.GetHost(),
		PID:        int(m.GetPid()),
		Launch:     task.LaunchToken(d.guid("run.launch", m.GetLaunch())),
		Started:    d.time("run.started", m.GetStarted()),
		Entered:    d.time("run.entered", m.GetEntered()),
		Ended:      d.time("run.ended", m.GetEnded()),
		Progress:   m.GetProgress(),
		ProgressAt: d.time("run.progress_at", m.GetProgressAt()),
		Outcome:    enum[task.Outcome](d, "run.outcome", m.GetOutcome()),
		Reason:     d.reason(m.GetReason()),
		Forced:     m.GetForced(),
		Exit:       m.GetExit(),
		Text:       m.GetText(),
		Stderr:     m.GetStderr(),
		Awake:      d.duration("run.awake", m.GetAwake()),
	}
}

func runPtrTo(r *task.Run) *pb.Run {
	if r == nil {
		return nil
	}
	return RunTo(*r)
}

func (d *decoder) runPtr(m *pb.Run) *task.Run {
	if m == nil {
		return nil
	}
	r := d.run(m)
	return &r
}

func missedTo(m *task.Missed) *pb.Missed {
	if m == nil {
		return nil
	}
	return &pb.Missed{
		First: timeTo(m.First), Last: timeTo(m.Last), Count: uint32(m.Count), More: m.More, Cause: pb.MissCause(m.Cause) + 1, MadeUp: m.MadeUp,
	}
}

func (d *decoder) missed(m *pb.Missed) *task.Missed {
	if m == nil {
		return nil
	}
	return &task.Missed{
		First:  d.time("missed.first", m.GetFirst()),
		Last:   d.time("missed.last", m.GetLast()),
		Count:  int(m.GetCount()),
		More:   m.GetMore(),
		Cause:  shifted[task.MissCause](d, "missed.cause", m.GetCause()),
		MadeUp: m.GetMadeUp(),
	}
}

func reasonTo(r task.Reason) *pb.Reason {
	return &pb.Reason{
		Kind: pb.ReasonKind(r.Kind), Condition: conditionTo(r.Condition), Cause: pb.UnknownCause(r.Cause), Until: timeTo(r.Until), Detail: text(r.Detail),
	}
}

func (d *decoder) waits(m *pb.Reason) task.Reason {
	return task.Reason{
		Kind:      enum[task.ReasonKind](d, "reason.kind", m.GetKind()),
		Condition: d.conditionIfAny(m.GetCondition()),
		Cause:     enum[task.Cause](d, "reason.cause", m.GetCause()),
		Until:     d.time("reason.until", m.GetUntil()),
		Detail:    m.GetDetail(),
	}
}

// StateTo converts the state of a registration.
func StateTo(s task.State) *pb.State {
	return &pb.State{
		Phase:     pb.Phase(s.Phase) + 1,
		Since:     timeTo(s.Since),
		Reasons:   mapped(s.Reasons, reasonTo),
		Waiting:   uint32(s.Waiting),
		Next:      timeTo(s.Next),
		NextKnown: s.NextKnown,
		Run:       runPtrTo(s.Run),
		Attempt:   uint32(s.Attempt),
		Attempts:  uint32(s.Attempts),
		Faults:    uint32(s.Faults),
		Fault:     pb.Outcome(s.Fault),
		Text:      text(s.Text),
		Now:       timeTo(s.Now),
	}
}

func (d *decoder) state(m *pb.State) task.State {
	return task.State{
		Phase:     shifted[task.Phase](d, "state.phase", m.GetPhase()),
		Since:     d.time("state.since", m.GetSince()),
		Reasons:   list(d, "state.reasons", many, m.GetReasons(), (*decoder).waits),
		Waiting:   int(m.GetWaiting()),
		Next:      d.time("state.next", m.GetNext()),
		NextKnown: m.GetNextKnown(),
		Run:       d.runPtr(m.GetRun()),
		Attempt:   int(m.GetAttempt()),
		Attempts:  int(m.GetAttempts()),
		Faults:    int(m.GetFaults()),
		Fault:     enum[task.Outcome](d, "state.fault", m.GetFault()),
		Text:      m.GetText(),
		Now:       d.time("state.now", m.GetNow()),
	}
}

package wire

import (
	"time"

	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// SimulateQuery selects what to simulate.
type SimulateQuery struct {
	From    time.Time // zero: now
	Until   time.Time
	Suppose []task.Supposition
	RunFor  time.Duration // how long each run takes; 0: as long as usual
	TaskIDs []task.GUID   // empty: all that the caller may see
	Package string
}

// SimulateQueryTo converts a query.
func SimulateQueryTo(q SimulateQuery) *pb.SimulateRequest {
	return &pb.SimulateRequest{
		From: timeTo(q.From), Until: timeTo(q.Until), RunFor: durationTo(q.RunFor), TaskIds: guidsTo(q.TaskIDs), Package: text(q.Package),
		Suppositions: mapped(q.Suppose, func(s task.Supposition) *pb.Supposition {
			return &pb.Supposition{Fact: text(s.Fact), Value: text(string(s.Value)), From: timeTo(s.From), Until: timeTo(s.Until)}
		}),
	}
}

// SimulateQueryFrom converts a query.
func SimulateQueryFrom(m *pb.SimulateRequest) (SimulateQuery, error) {
	return request(m, func(d *decoder, m *pb.SimulateRequest) SimulateQuery {
		return SimulateQuery{
			From:    d.time("from", m.GetFrom()),
			Until:   d.time("until", m.GetUntil()),
			Suppose: list(d, "suppositions", task.MaxSuppositions, m.GetSuppositions(), (*decoder).supposition),
			RunFor:  d.duration("run_for", m.GetRunFor()),
			TaskIDs: list(d, "task_ids", maxListed, m.GetTaskIds(), func(d *decoder, id string) task.GUID { return d.need("task_ids", id) }),
			Package: d.text("package", m.GetPackage(), task.MaxName),
		}
	})
}

func (d *decoder) supposition(m *pb.Supposition) task.Supposition {
	return task.Supposition{
		Fact:  d.text("suppositions.fact", m.GetFact(), task.MaxName),
		Value: task.Value(d.text("suppositions.value", m.GetValue(), task.MaxFactValue)),
		From:  d.time("suppositions.from", m.GetFrom()),
		Until: d.time("suppositions.until", m.GetUntil()),
	}
}

// SimulationTo converts a simulation to the pieces in which it is sent, and calls send
// for each until send fails.
func SimulationTo(s task.Simulation, send func(*pb.SimulateResponse) error) error {
	err := send(&pb.SimulateResponse{Item: &pb.SimulateResponse_Frame{Frame: &pb.SimulationFrame{
		Now: timeTo(s.Now), From: timeTo(s.From), Until: timeTo(s.Until), Stopped: text(s.Stopped), Facts: mapped(s.Facts, FactTo),
	}}})
	for i := 0; err == nil && i < len(s.Happenings); i++ {
		err = send(&pb.SimulateResponse{Item: &pb.SimulateResponse_Happening{Happening: happeningTo(s.Happenings[i])}})
	}
	for i := 0; err == nil && i < len(s.Tasks); i++ {
		err = send(&pb.SimulateResponse{Item: &pb.SimulateResponse_Task{Task: prospectTo(s.Tasks[i])}})
	}
	return err
}

// SimulationFrom adds a received piece to a simulation. It ignores fields that only a
// newer broker sends.
func SimulationFrom(s *task.Simulation, m *pb.SimulateResponse) error {
	d := &decoder{}
	switch {
	case m.GetFrame() != nil:
		f := m.GetFrame()
		s.Now, s.From, s.Until, s.Stopped = d.time("now", f.GetNow()), d.time("from", f.GetFrom()), d.time("until", f.GetUntil()), f.GetStopped()
		s.Facts = list(d, "facts", many, f.GetFacts(), (*decoder).fact)
	case m.GetHappening() != nil:
		s.Happenings = append(s.Happenings, d.happening(m.GetHappening()))
	case m.GetTask() != nil:
		s.Tasks = append(s.Tasks, d.prospect(m.GetTask()))
	}
	return d.err()
}

func happeningTo(h task.Happening) *pb.Happening {
	return &pb.Happening{
		Kind: pb.HappeningKind(h.Kind), At: timeTo(h.At), TaskId: guidTo(h.TaskID), Package: text(h.Package), Name: text(h.Name),
		Firings: uint32(h.Firings), Attempt: uint32(h.Attempt), HeldSince: timeTo(h.HeldSince), HeldFor: mapped(h.HeldFor, reasonTo),
		Ended: timeTo(h.Ended), Outcome: pb.Outcome(h.Outcome), Reason: ReasonTo(h.Reason), End: pb.End(h.End), Missed: missedTo(h.Missed), Text: text(h.Text),
	}
}

func (d *decoder) happening(m *pb.Happening) task.Happening {
	return task.Happening{
		Kind:      enum[task.HappeningKind](d, "kind", m.GetKind()),
		At:        d.time("at", m.GetAt()),
		TaskID:    d.guid("task_id", m.GetTaskId()),
		Package:   m.GetPackage(),
		Name:      m.GetName(),
		Firings:   int(m.GetFirings()),
		Attempt:   int(m.GetAttempt()),
		HeldSince: d.time("held_since", m.GetHeldSince()),
		HeldFor:   list(d, "held_for", many, m.GetHeldFor(), (*decoder).waits),
		Ended:     d.time("ended", m.GetEnded()),
		Outcome:   enum[task.Outcome](d, "outcome", m.GetOutcome()),
		Reason:    d.reason(m.GetReason()),
		End:       enum[task.End](d, "end", m.GetEnd()),
		Missed:    d.missed(m.GetMissed()),
		Text:      m.GetText(),
	}
}

func prospectTo(p task.Prospect) *pb.Prospect {
	return &pb.Prospect{
		TaskId: guidTo(p.TaskID), Package: text(p.Package), Name: text(p.Name), Runs: uint32(p.Runs), Counts: countsTo(p.Counts), Expired: uint32(p.Expired),
		Held: durationTo(p.Held), Lasts: durationTo(p.Lasts), LastsOf: uint32(p.LastsOf), State: StateTo(p.State),
	}
}

func (d *decoder) prospect(m *pb.Prospect) task.Prospect {
	return task.Prospect{
		TaskID:  d.guid("task_id", m.GetTaskId()),
		Package: m.GetPackage(),
		Name:    m.GetName(),
		Runs:    int(m.GetRuns()),
		Counts:  d.counts(m.GetCounts()),
		Expired: int(m.GetExpired()),
		Held:    d.duration("held", m.GetHeld()),
		Lasts:   d.duration("lasts", m.GetLasts()),
		LastsOf: int(m.GetLastsOf()),
		State:   d.state(m.GetState()),
	}
}

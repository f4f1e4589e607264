package wire

import (
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// ExplanationTo converts an explanation.
func ExplanationTo(e task.Explanation) *pb.Explanation {
	return &pb.Explanation{
		At:       timeTo(e.At),
		Info:     InfoTo(e.Info),
		Fired:    uint32(e.Fired),
		First:    timeTo(e.First),
		Last:     timeTo(e.Last),
		By:       text(e.By),
		Number:   e.Number,
		Needs:    mapped(e.Needs, needTo),
		Tries:    mapped(e.Tries, RunTo),
		Would:    texts(e.Would),
		After:    texts(e.After),
		Earliest: timeTo(e.Earliest),
		Never:    e.Never,
		Use:      text(e.Use),
		RunLimit: durationTo(e.RunLimit),
		Sources:  mapped(e.Sources, SourceTo),
	}
}

// ExplanationFrom converts an explanation.
func ExplanationFrom(m *pb.Explanation) (task.Explanation, error) {
	return answer(m, (*decoder).explanation)
}

func (d *decoder) explanation(m *pb.Explanation) task.Explanation {
	return task.Explanation{
		At:       d.time("at", m.GetAt()),
		Info:     d.info(m.GetInfo()),
		Fired:    int(m.GetFired()),
		First:    d.time("first", m.GetFirst()),
		Last:     d.time("last", m.GetLast()),
		By:       m.GetBy(),
		Number:   m.GetNumber(),
		Needs:    list(d, "needs", many, m.GetNeeds(), (*decoder).needState),
		Tries:    list(d, "tries", many, m.GetTries(), (*decoder).run),
		Would:    m.GetWould(),
		After:    m.GetAfter(),
		Earliest: d.time("earliest", m.GetEarliest()),
		Never:    m.GetNever(),
		Use:      m.GetUse(),
		RunLimit: d.duration("run_limit", m.GetRunLimit()),
		Sources:  list(d, "sources", many, m.GetSources(), (*decoder).source),
	}
}

func needTo(n task.NeedState) *pb.NeedState {
	return &pb.NeedState{
		Condition: conditionTo(n.Condition), Verdict: pb.Verdict(n.Verdict) + 1, Waived: n.Waived, Facts: mapped(n.Facts, FactTo),
	}
}

func (d *decoder) needState(m *pb.NeedState) task.NeedState {
	return task.NeedState{
		Condition: d.condition(m.GetCondition()),
		Verdict:   shifted[task.Verdict](d, "verdict", m.GetVerdict()),
		Waived:    m.GetWaived(),
		Facts:     list(d, "facts", many, m.GetFacts(), (*decoder).fact),
	}
}

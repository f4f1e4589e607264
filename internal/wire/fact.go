package wire

import (
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// FactTo converts a fact.
func FactTo(f task.Fact) *pb.Fact {
	return &pb.Fact{
		Name:       text(f.Name),
		Value:      text(string(f.Value)),
		Source:     text(f.Source),
		Detail:     text(f.Detail),
		Since:      timeTo(f.Since),
		Cause:      pb.UnknownCause(f.Cause),
		Overridden: f.Overridden,
		Until:      timeTo(f.Until),
		Real:       text(string(f.Real)),
		UsedBy:     texts(f.UsedBy),
	}
}

// FactFrom converts a fact.
func FactFrom(m *pb.Fact) (task.Fact, error) { return answer(m, (*decoder).fact) }

func (d *decoder) fact(m *pb.Fact) task.Fact {
	return task.Fact{
		Name:       d.text("fact.name", m.GetName(), task.MaxName),
		Value:      d.value("fact.value", m.GetValue()),
		Source:     d.text("fact.source", m.GetSource(), task.MaxName),
		Detail:     d.text("fact.detail", m.GetDetail(), task.MaxFactValue),
		Since:      d.time("fact.since", m.GetSince()),
		Cause:      enum[task.Cause](d, "fact.cause", m.GetCause()),
		Overridden: m.GetOverridden(),
		Until:      d.time("fact.until", m.GetUntil()),
		Real:       d.value("fact.real", m.GetReal()),
		UsedBy:     d.texts("fact.used_by", m.GetUsedBy(), many, task.MaxPath),
	}
}

func (d *decoder) value(field, s string) task.Value {
	return task.Value(d.text(field, s, task.MaxFactValue))
}

// SourceTo converts the state that a source reports about itself.
func SourceTo(s task.SourceState) *pb.SourceState {
	return &pb.SourceState{
		Name:     text(s.Name),
		Status:   pb.SourceStatus(s.Status) + 1,
		Detail:   text(s.Detail),
		Remedy:   text(s.Remedy),
		Facts:    texts(s.Facts),
		Triggers: texts(s.Triggers),
	}
}

// SourceFrom converts the state that a source reports about itself.
func SourceFrom(m *pb.SourceState) (task.SourceState, error) { return answer(m, (*decoder).source) }

func (d *decoder) source(m *pb.SourceState) task.SourceState {
	return task.SourceState{
		Name:     d.text("source.name", m.GetName(), task.MaxName),
		Status:   shifted[task.SourceStatus](d, "source.status", m.GetStatus()),
		Detail:   d.text("source.detail", m.GetDetail(), task.MaxErrorText),
		Remedy:   d.text("source.remedy", m.GetRemedy(), task.MaxErrorText),
		Facts:    d.texts("source.facts", m.GetFacts(), task.MaxFacts, task.MaxName),
		Triggers: d.texts("source.triggers", m.GetTriggers(), many, task.MaxName),
	}
}

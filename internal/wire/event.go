package wire

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// InfoTo converts a registration as the broker shows it.
func InfoTo(i task.Info) *pb.TaskInfo {
	m := &pb.TaskInfo{
		TaskId:     guidTo(i.TaskID),
		Package:    text(i.Package),
		Spec:       SpecTo(i.Spec),
		Registered: timeTo(i.Registered),
		State:      StateTo(i.State),
		LastRun:    runPtrTo(i.LastRun),
		Counts:     countsTo(i.Counts),
		Warnings:   texts(i.Warnings),
		Server:     text(i.Server),
		Declared:   text(i.Declared),
		GridFrom:   timeTo(i.GridFrom),
	}
	if e := i.LastEnd; e != nil {
		m.LastEnd = &pb.Ended{Number: e.Number, End: pb.End(e.End), At: timeTo(e.At)}
	}
	return m
}

// InfoFrom converts a registration as the broker shows it.
func InfoFrom(m *pb.TaskInfo) (task.Info, error) { return answer(m, (*decoder).info) }

func (d *decoder) info(m *pb.TaskInfo) task.Info {
	i := task.Info{
		TaskID:     d.guid("task_id", m.GetTaskId()),
		Package:    m.GetPackage(),
		Spec:       d.spec(m.GetSpec()),
		Registered: d.time("registered", m.GetRegistered()),
		State:      d.state(m.GetState()),
		LastRun:    d.runPtr(m.GetLastRun()),
		Counts:     d.counts(m.GetCounts()),
		Warnings:   m.GetWarnings(),
		Server:     m.GetServer(),
		Declared:   m.GetDeclared(),
		GridFrom:   d.time("grid_from", m.GetGridFrom()),
	}
	if e := m.GetLastEnd(); e != nil {
		i.LastEnd = &task.Ended{Number: e.GetNumber(), End: enum[task.End](d, "last_end.end", e.GetEnd()), At: d.time("last_end.at", e.GetAt())}
	}
	return i
}

func countsTo(c task.Counts) *pb.Counts {
	if c == (task.Counts{}) {
		return nil
	}
	m := &pb.Counts{Runs: uint64(c.Runs), Missed: uint64(c.Missed)}
	for _, n := range c.ByOutcome {
		m.ByOutcome = append(m.ByOutcome, uint64(n))
	}
	return m
}

func (d *decoder) counts(m *pb.Counts) task.Counts {
	c := task.Counts{Runs: d.count("counts.runs", m.GetRuns()), Missed: d.count("counts.missed", m.GetMissed())}
	for i, n := range m.GetByOutcome() {
		if i < len(c.ByOutcome) { // a newer broker may know more outcomes
			c.ByOutcome[i] = d.count("counts.by_outcome", n)
		}
	}
	return c
}

// EventTo converts an event. Its time keeps its offset.
func EventTo(e task.Event) *pb.Event {
	m := &pb.Event{
		Seq:      e.Seq,
		Kind:     pb.EventKind(e.Kind),
		Boot:     text(e.Boot),
		BootTime: durationTo(e.BootTime),
		TaskId:   guidTo(e.TaskID),
		Package:  text(e.Package),
		Name:     text(e.Name),
		End:      pb.End(e.End),
		Run:      runPtrTo(e.Run),
		Missed:   missedTo(e.Missed),
		Old:      text(string(e.Old)),
		Text:     text(e.Text),
	}
	m.Time, m.UtcOffsetSeconds = wallTo(e.Time)
	if e.State != nil {
		m.State = StateTo(*e.State)
	}
	if e.Occurrence != nil {
		m.Occurrence = &pb.Occurrence{}
		if o := occurrenceTo(*e.Occurrence); o != nil {
			m.Occurrence = o
		}
	}
	if e.Fact != nil {
		m.Fact = FactTo(*e.Fact)
	}
	if e.Info != nil {
		m.Info = InfoTo(*e.Info)
	}
	return m
}

// EventFrom converts an event.
func EventFrom(m *pb.Event) (task.Event, error) { return answer(m, (*decoder).event) }

func (d *decoder) event(m *pb.Event) task.Event {
	e := task.Event{
		Seq:      m.GetSeq(),
		Kind:     enum[task.EventKind](d, "event.kind", m.GetKind()),
		Time:     d.wall(m.GetTime(), m.GetUtcOffsetSeconds()),
		Boot:     m.GetBoot(),
		BootTime: d.duration("event.boot_time", m.GetBootTime()),
		TaskID:   d.guid("event.task_id", m.GetTaskId()),
		Package:  m.GetPackage(),
		Name:     m.GetName(),
		End:      enum[task.End](d, "event.end", m.GetEnd()),
		Run:      d.runPtr(m.GetRun()),
		Missed:   d.missed(m.GetMissed()),
		Old:      task.Value(m.GetOld()),
		Text:     m.GetText(),
	}
	if m.GetState() != nil {
		e.State = new(d.state(m.GetState()))
	}
	if m.GetOccurrence() != nil {
		e.Occurrence = new(d.occurrence(m.GetOccurrence()))
	}
	if m.GetFact() != nil {
		e.Fact = new(d.fact(m.GetFact()))
	}
	if m.GetInfo() != nil {
		e.Info = new(d.info(m.GetInfo()))
	}
	return e
}

func wallTo(t time.Time) (*timestamppb.Timestamp, int32) {
	if t.IsZero() {
		return nil, 0
	}
	_, offset := t.Zone()
	return timestamppb.New(t), int32(offset)
}

// maxOffset, in seconds, is larger than the UTC offset of any zone.
const maxOffset = 24 * 60 * 60

func (d *decoder) wall(t *timestamppb.Timestamp, offset int32) time.Time {
	if offset < -maxOffset || offset > maxOffset {
		d.invalid("utc_offset_seconds", "it is more than a day")
		return time.Time{}
	}
	at := d.time("time", t)
	if at.IsZero() || offset == 0 {
		return at
	}
	return at.In(time.FixedZone("", int(offset)))
}

package forecast

import (
	"slices"
	"time"

	"github.com/bgtask/bgtask/task"
)

// turn is a change of facts at an instant.
type turn struct {
	at    time.Time
	facts []task.Fact
}

// scriptOf turns assumptions into turns, in order. Where two set the same fact, the
// later one in the list counts; where none does, the fact is as it is now. What is over
// before now is dropped.
func scriptOf(suppose []task.Supposition, now map[string]task.Value, begin, end time.Time) []turn {
	of := map[string][]task.Supposition{}
	for _, s := range suppose {
		of[s.Fact] = append(of[s.Fact], s)
	}
	at := map[int64]*turn{}
	for _, row := range task.FactTable() { // in a fixed order, unlike that of a map
		all := of[row.Name]
		last := now[row.Name]
		for _, t := range bounds(all, begin, end) {
			v := valueAt(all, t, now[row.Name])
			if v == last {
				continue
			}
			last = v
			n := t.UnixNano()
			if at[n] == nil {
				at[n] = &turn{at: t}
			}
			at[n].facts = append(at[n].facts, task.Fact{Name: row.Name, Value: v, Detail: "supposed"})
		}
	}
	turns := make([]turn, 0, len(at))
	for _, t := range at {
		turns = append(turns, *t)
	}
	slices.SortFunc(turns, func(a, b turn) int { return a.at.Compare(b.at) })
	return turns
}

// bounds returns the instants at which an assumption begins or ends.
func bounds(all []task.Supposition, begin, end time.Time) []time.Time {
	var at []time.Time
	for _, s := range all {
		from := s.From
		if from.Before(begin) {
			from = begin
		}
		at = append(at, from)
		if !s.Until.IsZero() {
			at = append(at, s.Until)
		}
	}
	at = slices.DeleteFunc(at, func(t time.Time) bool { return t.Before(begin) || !t.Before(end) })
	slices.SortFunc(at, time.Time.Compare)
	return slices.CompactFunc(at, time.Time.Equal)
}

func valueAt(all []task.Supposition, t time.Time, otherwise task.Value) task.Value {
	for _, s := range slices.Backward(all) {
		if !t.Before(s.From) && (s.Until.IsZero() || t.Before(s.Until)) {
			return s.Value
		}
	}
	return otherwise
}

// zoneScript returns what the source of the time zone will report, since the offsets of
// the machine's zone are known. It returns nothing if the fact does not show the zone's
// offset now.
func zoneScript(now, end time.Time, is task.Value) []task.Supposition {
	const layout = "-07:00"
	if string(is) != now.Format(layout) {
		return nil
	}
	var all []task.Supposition
	for t := now; ; {
		_, next := t.ZoneBounds()
		if next.IsZero() || !next.Before(end) || !next.After(t) {
			return all
		}
		t = next.In(now.Location())
		all = append(all, task.Supposition{Fact: task.FactTimeZone, Value: task.Value(t.Format(layout)), From: t})
	}
}

//go:build linux

package source

import "github.com/bgtask/bgtask/task"

// WorkCost returns what background work costs: Low on AC; on battery Medium while
// the display is on anyway, else High. No source reports whether the display is
// on, so the user's presence stands in for it: a desktop turns the display off
// when the session is idle or locked.
func WorkCost(onAC, user task.Value) task.Value {
	switch {
	case onAC == task.Yes:
		return task.Low
	case onAC == task.No && user == task.Present:
		return task.Medium
	case onAC == task.No && user == task.Away:
		return task.High
	}
	return task.Unknown
}

// deriver adds work-cost to the reports of the sources that it is computed from.
// Work-cost is a fact of the source that reported on-ac.
type deriver struct {
	Sink
	power, user         string // source of the last on-ac and user facts
	onAC, present, cost task.Value
}

// Facts implements Sink.
func (d *deriver) Facts(source string, facts []task.Fact) {
	for _, f := range facts {
		switch f.Name {
		case task.FactOnAC:
			d.power, d.onAC = source, f.Value
		case task.FactUser:
			d.user, d.present = source, f.Value
		}
	}
	if f, changed := d.derive(source); changed {
		facts = append(facts, f)
	}
	d.Sink.Facts(source, facts)
}

// State implements Sink. Work-cost belongs to the source of on-ac and becomes
// unknown with it. If the source of the user's presence goes, the state of the
// display is unknown.
func (d *deriver) State(s task.SourceState) {
	d.Sink.State(s)
	if s.Name != d.user || s.Status != task.SourceGone {
		return
	}
	d.user, d.present = "", task.Unknown
	if f, changed := d.derive(s.Name); changed {
		d.Sink.Facts(d.power, []task.Fact{f})
	}
}

// derive returns work-cost if its value changed or if the source of on-ac
// reported.
func (d *deriver) derive(source string) (task.Fact, bool) {
	cost := WorkCost(d.onAC, d.present)
	if cost == d.cost && source != d.power || d.power == "" {
		return task.Fact{}, false
	}
	d.cost = cost
	f := task.Fact{Name: task.FactWorkCost, Value: cost, Source: d.power}
	if d.onAC == task.No {
		f.Detail = "on battery; the display is assumed to be on while the user is present"
	}
	return f, true
}

//go:build linux

package source

import "github.com/bgtask/bgtask/task"

// WorkCost is what background work costs: little on AC, and on battery less
// while the display is on anyway. Nobody tells whether it is on, so the user's
// presence stands for it: a desktop that is idle or locked switches it off.
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

// deriver adds work-cost to the reports of its two sources, as a fact of the
// one that told the power.
type deriver struct {
	Sink
	power, user         string // who spoke last
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

// State implements Sink. When the power's source goes, work-cost goes with it,
// for it is its fact; when the session's goes, nobody knows of the display.
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

// derive gives work-cost when it changed, or when the source of the power did.
func (d *deriver) derive(source string) (task.Fact, bool) {
	cost := WorkCost(d.onAC, d.present)
	if cost == d.cost && source != d.power || d.power == "" {
		return task.Fact{}, false
	}
	d.cost = cost
	f := task.Fact{Name: task.FactWorkCost, Value: cost, Source: d.power}
	if d.onAC == task.No {
		f.Detail = "on battery; the display is taken to be on while the user is present"
	}
	return f, true
}

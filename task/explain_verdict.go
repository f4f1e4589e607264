package task

import (
	"fmt"
	"strings"
	"time"
)

// clock formats the time of day, with the day if it is not today.
func (p *page) clock(t time.Time) string {
	if p.today(t) == 0 {
		return t.In(p.zone).Format(time.TimeOnly)
	}
	return p.day(t)
}

// day is Day in the page's zone.
func (p *page) day(t time.Time) string { return Day(t, p.At.In(p.zone)) }

// dated is day with the zone added.
func (p *page) dated(t time.Time) string {
	s := p.day(t)
	if d := p.today(t); d >= -1 && d <= 1 {
		s += " " + t.In(p.zone).Format("MST")
	}
	return s
}

// today returns how many calendar days t is after today.
func (p *page) today(t time.Time) int { return Days(t, p.At.In(p.zone)) }

// at formats a time in a sentence: "at 14:32:10", "tomorrow 00:00:00".
func (p *page) at(t time.Time) string {
	switch p.today(t) {
	case 0:
		return "at " + p.clock(t)
	case -1, 1:
		return p.day(t)
	}
	return "on " + p.day(t)
}

func (p *page) in(t time.Time) string { return ", in " + Duration(max(0, t.Sub(p.At))) }

// verdict adds the first line.
func (p *page) verdict() { p.lines = append(p.lines, p.name()+" "+p.sentence()+".") }

func (p *page) sentence() string {
	s := p.Info.State
	switch s.Phase {
	case Waiting:
		return p.waiting()
	case Held:
		if clauses := p.clauses(); len(clauses) > 0 {
			return "is held: " + strings.Join(clauses, ", ")
		}
		return "is held"
	case BackingOff:
		return p.backingOff()
	case Starting:
		return "is starting" + p.since() + ": its class is not ready yet"
	case Running:
		return p.running()
	case Canceling:
		return "is being canceled" + p.since() + p.reason()
	case Unresponsive:
		if s.Text != "" {
			return "does not respond" + p.since() + ": " + s.Text
		}
		return "does not respond" + p.since() + ": it was asked to stop" + p.reason() + ", and has not"
	case Suspended:
		return "is suspended" + p.since() + p.fault() + p.alone()
	case Spent:
		return "is spent: it was to fire once, and has"
	case Removing:
		return "is being removed: its last run is ending"
	}
	return "is " + s.Phase.String()
}

// alone says that a suspended task does not run by itself. It returns "" if the broker
// will try the task once more: wouldResume then says when.
func (p *page) alone() string {
	if !p.Earliest.IsZero() {
		return ""
	}
	return ". It will not run by itself"
}

func (p *page) since() string {
	if p.Info.State.Since.IsZero() {
		return ""
	}
	return " since " + p.clock(p.Info.State.Since)
}

func (p *page) reason() string {
	if p.Info.State.Run == nil {
		return ""
	}
	return " (" + p.Info.State.Run.Reason.String() + ")"
}

func (p *page) waiting() string {
	s := "is waiting for " + WaitsFor(p.Info.Spec.Trigger)
	if !Timed(p.Info.Spec.Trigger) {
		return s
	}
	if p.Info.State.NextKnown {
		s += ": " + p.dated(p.Info.State.Next) + p.in(p.Info.State.Next)
	}
	kind := ""
	if _, ok := p.Info.Spec.Trigger.(CalendarTrigger); ok {
		kind = "calendar "
	}
	return s + " (" + kind + timing(p.Info.Spec.Trigger) + ")"
}

func (p *page) backingOff() string {
	s := p.Info.State
	text := fmt.Sprintf("is backing off: attempt %d of %d failed", s.Attempt-1, s.Attempts)
	if s.Attempts == 0 {
		text = "is backing off: its last attempt failed"
	}
	if n := len(p.Tries); n > 0 && !p.Tries[n-1].Ended.IsZero() {
		last := p.Tries[n-1]
		text = fmt.Sprintf("is backing off: attempt %d of %d %s %s ago", last.Attempt, s.Attempts, last.Outcome.verb(), Roughly(max(0, p.At.Sub(last.Ended))))
	}
	if s.NextKnown {
		text += ", the next is " + p.at(s.Next) + p.in(s.Next)
	}
	return text
}

func (p *page) running() string {
	s := p.Info.State
	text := "is running"
	if !s.Since.IsZero() {
		text += " for " + Duration(max(0, p.At.Sub(s.Since)))
	}
	text += s.progress()
	if s.Run != nil && !s.Run.ProgressAt.IsZero() {
		text += ", last changed " + Roughly(max(0, p.At.Sub(s.Run.ProgressAt))) + " ago"
	}
	return text
}

func (p *page) fault() string {
	s := p.Info.State
	switch {
	case s.Faults > 0 && s.Fault == ActivationFailed:
		return ": its server failed to start " + times(s.Faults)
	case s.Faults > 0 && s.Fault == Crashed:
		return ": it crashed " + times(s.Faults)
	case s.faults() != "":
		return ": " + s.faults()
	}
	return ""
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// clauses returns the reasons why the task waits. Conditions with the same verdict share
// one clause.
func (p *page) clauses() (all []string) {
	var fails, unsure []string
	for _, r := range p.Info.State.Reasons {
		switch r.Kind {
		case WaitCondition:
			fails = append(fails, conditionName(r.Condition))
		case WaitUnsure:
			unsure = append(unsure, conditionName(r.Condition))
		}
	}
	for _, r := range p.Info.State.Reasons {
		switch r.Kind {
		case WaitCondition:
			all = appendClause(all, fails, "fails", "fail")
			fails = nil
		case WaitUnsure:
			all = appendClause(all, unsure, "is unsure", "are unsure")
			unsure = nil
		default:
			all = append(all, p.clause(r))
		}
	}
	return all
}

func appendClause(all, names []string, one, many string) []string {
	switch len(names) {
	case 0:
		return all
	case 1:
		return append(all, names[0]+" "+one)
	}
	return append(all, and(names)+" "+many)
}

func (p *page) clause(r Reason) string {
	row, _ := reasonKinds.lookup(r.Kind)
	s := row.Clause
	switch {
	case r.Kind == WaitExclusive && r.Detail != "":
		s = fmt.Sprintf("%s has the key %q", r.Detail, p.Info.Spec.Exclusive)
	case r.Kind == WaitEnergySaver && r.Detail != "":
		s = "it is not known yet whether energy is to be saved"
	case (r.Kind == WaitLaunchSlot || r.Kind == WaitServicing) && r.Detail != "":
		s = r.Detail
	case r.Detail != "":
		s += " (" + r.Detail + ")"
	}
	if !r.Until.IsZero() {
		s += ", until " + p.clock(r.Until)
	}
	return s
}

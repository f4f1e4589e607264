package task

import (
	"fmt"
	"slices"
	"strings"
)

// wouldRun adds the counterfactual: what would make the task run.
func (p *page) wouldRun() {
	switch p.Info.State.Phase {
	case Waiting:
		p.line("would run", p.whenFired(p.next()))
	case Held:
		p.wouldHeld()
	case BackingOff:
		p.wouldRetry()
	case Starting:
		p.line("would run", "as soon as its class is ready")
	case Running, Canceling:
		p.line("would run", "again "+p.again())
	case Unresponsive:
		p.line("would run", "again when this run has ended; "+p.command("cancel --kill")+" ends its process")
	case Suspended:
		p.wouldResume()
	case Spent:
		p.line("would run", "never by itself; a changed registration arms it again")
	case Removing:
		p.line("would run", "never again")
	}
}

// next says when the task fires.
func (p *page) next() string {
	if p.Info.State.NextKnown {
		t := p.Info.State.Next
		if p.today(t) == 0 {
			return p.at(t)
		}
		return p.day(t)
	}
	return "when it fires"
}

// wants returns what must be true for the task to run: the engine's answer, or else
// everything that its conditions need.
func (p *page) wants() []string {
	if len(p.Would) > 0 {
		return p.Would
	}
	var all []string
	for _, c := range p.Info.Spec.Conditions {
		for _, n := range c.Needs() {
			all = append(all, n.Want)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (p *page) whenFired(next string) string {
	wants := p.wants()
	if len(wants) == 0 {
		return next
	}
	text := next + " if " + and(wants) + " then; otherwise held"
	if most := p.Info.Spec.Hold.AtMost; most > 0 {
		text += ", for at most " + Interval(most)
	}
	return text
}

func (p *page) again() string {
	s := p.Info.State
	text := "when it fires"
	switch {
	case s.Waiting > 0:
		text = "when this run has ended"
	case s.NextKnown:
		text = p.at(s.Next) + p.in(s.Next)
	}
	if wants := p.wants(); len(wants) > 0 {
		text += ", if " + and(wants)
	}
	return text
}

func (p *page) wouldHeld() {
	text := "now"
	switch {
	case p.Never:
		text = "not by itself"
	case !p.Earliest.IsZero():
		text = p.at(p.Earliest)
	}
	switch {
	case len(p.Would) > 0 && len(p.After) > 0:
		text += " if " + and(p.Would) + ", and after " + and(p.After)
	case len(p.Would) > 0:
		text += " if " + and(p.Would)
	case len(p.After) > 0:
		text += " after " + and(p.After)
	case p.Earliest.IsZero() && !p.Never:
		text = "as soon as none of this blocks it"
	}
	p.line("would run", text+p.rest())
}

// rest says whether anything else blocks it, or that a condition is unknown.
func (p *page) rest() string {
	only := len(p.Would) > 0 && len(p.After) == 0 && p.Earliest.IsZero() && !p.Never
	for _, r := range p.Info.State.Reasons {
		if r.Kind == WaitUnsure {
			return ". It waits while that is unknown: unknown does not count as yes."
		}
		only = only && r.Kind == WaitCondition
	}
	if only {
		return ". Nothing else blocks it."
	}
	return ""
}

func (p *page) wouldRetry() {
	s := p.Info.State
	text := "after the back-off"
	if s.NextKnown {
		text = p.at(s.Next)
	}
	if len(p.Would) > 0 {
		text += " if " + and(p.Would) + " then"
	} else if still := p.still(); len(still) > 0 {
		text += " if " + and(still)
	}
	p.line("would run", text+", or now with "+p.command("resume"))
	switch n := len(p.Tries); {
	case n > 0 && (p.Tries[n-1].Outcome == Crashed || p.Tries[n-1].Outcome == ActivationFailed):
		p.line("", fmt.Sprintf("After %d faults in a row it is suspended.", FaultsToSuspend))
	case s.Attempts > 0:
		p.line("", fmt.Sprintf("After attempt %d it gives up until it fires again.", s.Attempts))
	}
}

// still returns what must not change until then: "on-ac is still yes".
func (p *page) still() (all []string) {
	for _, n := range p.Needs {
		if n.Verdict != Holds || n.Waived {
			continue
		}
		for _, need := range n.Condition.Needs() {
			fact := need.Fact
			want := strings.TrimLeft(strings.TrimPrefix(need.Want, fact), "= ")
			all = append(all, fact+" is still "+want)
		}
	}
	return all
}

func (p *page) wouldResume() {
	anew := "when the application registers it again"
	if p.Info.Spec.Command != nil {
		anew = "when 'bgtask add --replace' changes it"
	}
	p.line("would run", "now with "+p.command("resume")+", or "+anew)
	if !p.Earliest.IsZero() {
		p.line("", "The broker tries it once "+p.at(p.Earliest)+p.in(p.Earliest)+".")
	}
}

package task

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// String returns the output of "bgtask why": one sentence with the verdict, then the
// facts that matter, and last what would make the task run. Times are shown in the
// location of x.At.
func (x Explanation) String() string {
	p := &page{Explanation: x, zone: x.At.Location()}
	p.verdict()
	p.last()
	p.fired()
	p.needs()
	p.server()
	p.host()
	p.attempts()
	p.limits()
	p.wouldRun()
	p.hint()
	return strings.Join(p.lines, "\n")
}

// page is an explanation that is being written.
type page struct {
	Explanation
	zone  *time.Location
	lines []string
}

// line adds a line with a label. A line without a label continues the one before.
func (p *page) line(label, text string) {
	p.lines = append(p.lines, strings.TrimRight(fmt.Sprintf("  %-9s  %s", label, text), " "))
}

func (p *page) name() string { return p.Info.Spec.Name }

// command returns a bgtask command about the task, for the user to type.
func (p *page) command(verb string) string {
	name := p.name()
	if strings.ContainsAny(name, " \t'\"\\$`!*?[](){}<>|&;#~") || strings.HasPrefix(name, "-") {
		name = strconv.Quote(name)
	}
	return "'bgtask " + verb + " " + name + "'"
}

func (p *page) last() {
	r := p.Info.LastRun
	if p.Info.State.Phase != Waiting || r == nil {
		return
	}
	text := p.day(r.Started) + ": " + r.Outcome.String()
	if r.Outcome == Canceled {
		text += ": " + r.Reason.String()
	}
	if took, ok := r.Took(); ok {
		text += ", " + Duration(took)
	}
	p.line("last", text)
}

func (p *page) fired() {
	if p.Fired == 0 {
		return
	}
	text := "once, " + p.clock(p.First) + ", by "
	if p.Fired > 1 {
		text = fmt.Sprintf("%d times since %s by ", p.Fired, p.clock(p.First))
	}
	p.line("fired", text+p.by()+p.becomes())
}

func (p *page) by() string {
	switch p.By {
	case "its timer", "its calendar":
		if timing := timing(p.Info.Spec.Trigger); timing != "" {
			return p.By + " (" + timing + ")"
		}
	case "":
		return "its trigger"
	}
	return p.By
}

// becomes says which runs the firings have become or will become.
func (p *page) becomes() string {
	run := p.Info.State.Run
	switch {
	case run != nil && p.Fired > 1:
		return fmt.Sprintf("; as one run: occurrence %d, attempt %d", run.Occurrence.Number, run.Attempt)
	case run != nil:
		return fmt.Sprintf("; occurrence %d, attempt %d", run.Occurrence.Number, run.Attempt)
	case p.Fired > 1 && p.Info.Spec.Queue > 0:
		return "; each will be a separate run"
	case p.Fired > 1:
		return "; they will be one run"
	}
	return ""
}

// needs adds the conditions, unless all of them hold.
func (p *page) needs() {
	quiet := true
	for _, n := range p.Needs {
		quiet = quiet && n.Verdict == Holds && !n.Waived
	}
	if quiet {
		return
	}
	rows := p.needRows()
	widths := [3]int{17, 6, 25}
	for _, row := range rows {
		for i := range widths {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	label := "needs"
	for _, row := range rows {
		p.line(label, fmt.Sprintf("%-*s  %-*s  %-*s  %s", widths[0], row[0], widths[1], row[1], widths[2], row[2], row[3]))
		label = ""
	}
}

// needRows returns a row for each fact: condition, verdict, fact and source.
func (p *page) needRows() (rows [][4]string) {
	for _, n := range p.Needs {
		row := [4]string{conditionName(n.Condition), n.verdict()}
		for _, f := range n.Facts {
			row[2], row[3] = p.fact(f), f.Origin()
			rows = append(rows, row)
			row[0], row[1] = "", ""
		}
		if len(n.Facts) == 0 {
			rows = append(rows, row)
		}
	}
	return rows
}

func (n NeedState) verdict() string {
	switch {
	case n.Waived:
		return "waived"
	case n.Verdict == Unsure && Satisfied(n.Condition, n.Verdict):
		return "unsure, counts as holds"
	}
	return n.Verdict.String()
}

func (p *page) fact(f Fact) string {
	s := f.Name + "=" + f.Value.String()
	if !f.Since.IsZero() {
		s += " for " + Duration(max(0, p.At.Sub(f.Since)))
	}
	return s
}

// Origin says where the fact's value comes from: "NetworkManager: limited", "no source:
// logind did not answer", "overridden by you (logind: away)".
func (f Fact) Origin() string {
	if f.Overridden {
		return "overridden by you (" + colon(f.Source, f.Real.String()) + ")"
	}
	if !f.Value.Known() && f.Cause != CauseNone {
		return colon(f.Cause.String(), f.Detail)
	}
	return colon(f.Source, f.Detail)
}

func colon(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ": " + b
}

func (p *page) server() {
	show := p.Info.State.Phase == Suspended || p.Info.State.Phase == Starting
	for _, r := range p.Tries {
		show = show || r.Outcome == ActivationFailed
	}
	if show && p.Info.Server != "" {
		p.line("server", p.Info.Server+", for class "+p.Info.Spec.EntryPoint.String()[:9]+"…")
	}
}

func (p *page) host() {
	r := p.Info.State.Run
	if r == nil || r.Host == "" {
		return
	}
	text := r.Host
	if text == "the application" {
		text += " itself"
	}
	if r.PID != 0 {
		text += ", pid " + strconv.Itoa(r.PID)
	}
	if p.Use != "" {
		text += ", " + p.Use
	}
	p.line("host", text)
}

// attempts adds the attempts that have ended, and the last output of the latest one.
func (p *page) attempts() {
	var started, how []string
	var last Run
	same := true
	for _, r := range p.Tries {
		if r.Outcome == OutcomeNone {
			continue
		}
		started = append(started, p.clock(r.Started))
		how = append(how, r.how())
		same = same && how[0] == r.how()
		last = r
	}
	switch {
	case len(how) == 0:
		return
	case same && len(how) > 3:
		p.line("attempts", strings.Join(started, " ")+", each "+how[0])
	default:
		for i := range started {
			started[i] += " " + how[i]
		}
		p.line("attempts", strings.Join(started, " · "))
	}
	p.words(last)
}

func (p *page) words(r Run) {
	const width = 72
	switch {
	case r.Stderr != "":
		p.line("", "stderr: "+shorten(lastLine(r.Stderr), width))
	case r.Text != "" && r.Outcome != ActivationFailed:
		p.line("", "error: "+shorten(lastLine(r.Text), width))
	}
}

// how describes the end of an attempt in a few words, such as "exit 3".
func (r Run) how() string {
	s := r.Exit
	if s == "" {
		s = r.Outcome.String()
	}
	switch {
	case r.Outcome == Canceled:
		s = r.Outcome.String() + ": " + r.Reason.String()
	case r.Outcome == ActivationFailed && r.Text != "":
		s += ", " + shorten(lastLine(r.Text), 40)
	}
	return s
}

// shorten cuts a line between words.
func shorten(s string, width int) string {
	runes := []rune(s)
	if len(runes) <= width {
		return s
	}
	head := string(runes[:width-1])
	if i := strings.LastIndexByte(head, ' '); i > 0 {
		head = head[:i+1]
	}
	return head + "…"
}

func (p *page) limits() {
	if p.Info.State.Phase != Running {
		return
	}
	text := "no run limit"
	if p.RunLimit > 0 {
		text = "a run limit of " + Interval(p.RunLimit)
		if p.At.Sub(p.Info.State.Since) > p.RunLimit {
			text += ", in which sleep does not count"
		}
	}
	_, app := p.Info.Spec.Trigger.(ApplicationTrigger)
	switch {
	case p.Info.Spec.Queue > 0:
		text += "; a firing now would be queued"
	case app:
		text += "; a request now would be answered CurrentlyRunning"
	default:
		text += "; a firing now would wait until this run has ended"
	}
	p.line("limits", text)
}

func (p *page) hint() {
	for _, n := range p.Needs {
		if n.Verdict != Unsure || n.Waived || Satisfied(n.Condition, n.Verdict) {
			continue
		}
		text := "'bgtask doctor' diagnoses the cause"
		for _, need := range n.Condition.Needs() {
			if want, _, _ := strings.Cut(need.Want, " or "); strings.Contains(want, "=") {
				text += "; 'bgtask facts override " + want + "' works around it"
				break
			}
		}
		p.line("hint", text)
		return
	}
}

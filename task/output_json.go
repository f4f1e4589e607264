package task

import "strings"

// The --json form of what the broker shows. Nothing reads these back: they are
// for scripts. Times are RFC 3339 in UTC, durations seconds; what is not known is
// null, and no key is ever missing.
//
// The arguments and the environment of a command may hold secrets: they are left
// out wherever an Info is shown, but by FullInfo.

// FullInfo is an Info whose JSON has the whole command: for show, and for nothing
// else.
type FullInfo struct{ Info }

// MarshalJSON writes every member.
func (i FullInfo) MarshalJSON() ([]byte, error) { return marshalJSON(i) }

func (i FullInfo) appendJSON(w *jsonWriter) { i.Info.append(w, false) }

// MarshalJSON writes every member, as --json shows them.
func (r Run) MarshalJSON() ([]byte, error)         { return marshalJSON(r) }
func (o Occurrence) MarshalJSON() ([]byte, error)  { return marshalJSON(o) }
func (i Info) MarshalJSON() ([]byte, error)        { return marshalJSON(i) }
func (s State) MarshalJSON() ([]byte, error)       { return marshalJSON(s) }
func (r Reason) MarshalJSON() ([]byte, error)      { return marshalJSON(r) }
func (m Missed) MarshalJSON() ([]byte, error)      { return marshalJSON(m) }
func (e Event) MarshalJSON() ([]byte, error)       { return marshalJSON(e) }
func (x Explanation) MarshalJSON() ([]byte, error) { return marshalJSON(x) }
func (n NeedState) MarshalJSON() ([]byte, error)   { return marshalJSON(n) }
func (f Fact) MarshalJSON() ([]byte, error)        { return marshalJSON(f) }
func (s SourceState) MarshalJSON() ([]byte, error) { return marshalJSON(s) }
func (p Package) MarshalJSON() ([]byte, error)     { return marshalJSON(p) }
func (s ClassServer) MarshalJSON() ([]byte, error) { return marshalJSON(s) }
func (c Counts) MarshalJSON() ([]byte, error)      { return marshalJSON(c) }
func (e Ended) MarshalJSON() ([]byte, error)       { return marshalJSON(e) }

func (r Run) appendJSON(w *jsonWriter) {
	canceled := r.Outcome == Canceled || r.Outcome == TimedOut
	w.open('{')
	w.guid("id", r.ID)
	w.guid("task_id", r.TaskID)
	w.text("name", r.Name)
	w.text("package", r.Package)
	w.value("occurrence", r.Occurrence)
	w.int("attempt", r.Attempt)
	w.text("host", r.Host)
	w.number("pid", r.PID, r.PID != 0)
	w.guid("launch", GUID(r.Launch))
	w.time("started", r.Started)
	w.time("entered", r.Entered)
	w.time("ended", r.Ended)
	took, ok := r.Took()
	if w.member("took_s", ok) {
		w.duration(took)
	}
	w.uint("progress", uint64(r.Progress))
	w.time("progress_at", r.ProgressAt)
	w.enum("outcome", r.Outcome.String(), r.Outcome != OutcomeNone)
	w.enum("reason", r.Reason.String(), canceled)
	w.number("reason_number", int(r.Reason), canceled)
	w.bool("forced", r.Forced)
	w.text("exit", r.Exit)
	w.text("text", r.Text)
	w.text("stderr", r.Stderr)
	w.close('}')
}

func (o Occurrence) appendJSON(w *jsonWriter) {
	w.open('{')
	w.uint("number", o.Number)
	w.time("due", o.Due)
	w.time("observed", o.Observed)
	w.time("last", o.Last)
	w.int("count", o.Count)
	w.int("missed", o.Missed)
	w.close('}')
}

func (i Info) appendJSON(w *jsonWriter) { i.append(w, true) }

func (i Info) append(w *jsonWriter, redact bool) {
	w.open('{')
	w.guid("task_id", i.TaskID)
	w.text("package", i.Package)
	w.redact = redact
	w.value("spec", i.Spec)
	w.redact = false
	w.time("registered", i.Registered)
	w.value("state", i.State)
	if w.member("last_end", i.LastEnd != nil) {
		i.LastEnd.appendJSON(w)
	}
	if w.member("last_run", i.LastRun != nil) {
		i.LastRun.appendJSON(w)
	}
	w.value("counts", i.Counts)
	w.texts("warnings", i.Warnings)
	w.text("server", i.Server)
	w.text("declared", i.Declared)
	w.time("grid_from", i.GridFrom)
	w.close('}')
}

func (s State) appendJSON(w *jsonWriter) {
	elapsed := !s.Since.IsZero() && !s.Now.IsZero()
	w.open('{')
	w.text("phase", s.Phase.String())
	w.time("since", s.Since)
	if w.member("held_s", s.Phase == Held && elapsed) {
		w.duration(s.Now.Sub(s.Since))
	}
	list(w, "reasons", s.Reasons)
	w.int("waiting", s.Waiting)
	w.time("next", s.Next)
	w.bool("next_known", s.NextKnown)
	if w.member("run", s.Run != nil) {
		s.Run.appendJSON(w)
	}
	w.number("attempt", s.Attempt, s.Attempt != 0)
	w.number("attempts", s.Attempts, s.Attempts != 0)
	w.int("faults", s.Faults)
	w.enum("fault", s.Fault.String(), s.Fault != OutcomeNone)
	w.text("text", s.Text)
	w.time("now", s.Now)
	w.close('}')
}

func (r Reason) appendJSON(w *jsonWriter) {
	w.open('{')
	w.text("kind", r.Kind.String())
	w.condition("condition", r.Condition)
	w.text("cause", r.Cause.String())
	w.time("until", r.Until)
	w.text("detail", r.Detail)
	w.close('}')
}

func (e Ended) appendJSON(w *jsonWriter) {
	w.open('{')
	w.uint("number", e.Number)
	w.enum("end", e.End.String(), e.End != EndNone)
	w.time("at", e.At)
	w.close('}')
}

func (c Counts) appendJSON(w *jsonWriter) {
	w.open('{')
	w.int("runs", c.Runs)
	w.key("by_outcome")
	w.open('{')
	for _, row := range Outcomes() {
		w.int(strings.ReplaceAll(row.Name, " ", "_"), c.ByOutcome[row.Outcome])
	}
	w.close('}')
	w.int("missed", c.Missed)
	w.close('}')
}

func (m Missed) appendJSON(w *jsonWriter) {
	w.open('{')
	w.time("first", m.First)
	w.time("last", m.Last)
	w.int("count", m.Count)
	w.bool("more", m.More)
	w.text("cause", m.Cause.String())
	if w.member("made_up_by", m.MadeUp != 0) {
		w.uintValue(m.MadeUp)
	}
	w.close('}')
}

func (e Event) appendJSON(w *jsonWriter) {
	w.open('{')
	w.uint("seq", e.Seq)
	w.text("kind", e.Kind.String())
	w.time("time", e.Time)
	w.text("boot", e.Boot)
	w.seconds("boot_time_s", e.BootTime)
	w.guid("task_id", e.TaskID)
	w.text("package", e.Package)
	w.text("name", e.Name)
	if w.member("state", e.State != nil) {
		e.State.appendJSON(w)
	}
	if w.member("occurrence", e.Occurrence != nil) {
		e.Occurrence.appendJSON(w)
	}
	w.enum("end", e.End.String(), e.End != EndNone)
	if w.member("run", e.Run != nil) {
		e.Run.appendJSON(w)
	}
	if w.member("missed", e.Missed != nil) {
		e.Missed.appendJSON(w)
	}
	if w.member("fact", e.Fact != nil) {
		e.Fact.appendJSON(w)
	}
	w.text("old", string(e.Old))
	if w.member("info", e.Info != nil) {
		e.Info.appendJSON(w)
	}
	w.text("text", e.Text)
	w.close('}')
}

func (x Explanation) appendJSON(w *jsonWriter) {
	w.open('{')
	w.time("at", x.At)
	w.value("info", x.Info)
	w.int("fired", x.Fired)
	w.time("first", x.First)
	w.time("last", x.Last)
	w.text("by", x.By)
	if w.member("number", x.Number != 0) {
		w.uintValue(x.Number)
	}
	list(w, "needs", x.Needs)
	list(w, "tries", x.Tries)
	w.texts("would", x.Would)
	w.texts("after", x.After)
	w.time("earliest", x.Earliest)
	w.bool("never", x.Never)
	w.text("use", x.Use)
	if w.member("run_limit_s", x.RunLimit != 0) {
		w.duration(x.RunLimit)
	}
	list(w, "sources", x.Sources)
	w.text("text", x.String())
	w.close('}')
}

func (n NeedState) appendJSON(w *jsonWriter) {
	w.open('{')
	w.condition("condition", n.Condition)
	w.text("verdict", n.Verdict.String())
	w.bool("waived", n.Waived)
	list(w, "facts", n.Facts)
	w.close('}')
}

func (f Fact) appendJSON(w *jsonWriter) {
	w.open('{')
	w.text("name", f.Name)
	w.text("value", string(f.Value))
	w.text("source", f.Source)
	w.text("detail", f.Detail)
	w.time("since", f.Since)
	w.text("cause", f.Cause.String())
	w.bool("overridden", f.Overridden)
	w.time("until", f.Until)
	w.text("real", string(f.Real))
	w.texts("used_by", f.UsedBy)
	w.close('}')
}

func (s SourceState) appendJSON(w *jsonWriter) {
	w.open('{')
	w.text("name", s.Name)
	w.text("status", s.Status.String())
	w.text("detail", s.Detail)
	w.text("remedy", s.Remedy)
	w.texts("facts", s.Facts)
	w.texts("triggers", s.Triggers)
	w.close('}')
}

func (p Package) appendJSON(w *jsonWriter) {
	w.open('{')
	w.text("family", p.Family)
	w.text("name", p.Name)
	w.text("publisher", p.Publisher)
	w.text("version", p.Version)
	w.text("display_name", p.DisplayName)
	w.text("folder", p.Folder)
	w.text("local_folder", p.LocalFolder)
	w.bool("implied", p.Implied)
	list(w, "servers", p.Servers)
	w.guids("classes", p.Classes)
	w.text("access", p.Access.String())
	w.number("access_number", int(p.Access), true)
	w.texts("warnings", p.Warnings)
	w.text("origin", p.Origin.String())
	w.text("signer", p.Signer)
	w.close('}')
}

func (s ClassServer) appendJSON(w *jsonWriter) {
	w.open('{')
	w.text("executable", s.Executable)
	w.texts("arguments", s.Arguments)
	w.text("dir", s.Dir)
	w.guids("classes", s.Classes)
	w.text("declared", s.Declared)
	w.close('}')
}

package task

// MarshalJSON writes every member, as --json shows them.
func (s Simulation) MarshalJSON() ([]byte, error) { return marshalJSON(s) }
func (h Happening) MarshalJSON() ([]byte, error)  { return marshalJSON(h) }
func (p Prospect) MarshalJSON() ([]byte, error)   { return marshalJSON(p) }

func (s Simulation) appendJSON(w *jsonWriter) {
	w.open('{')
	w.time("now", s.Now)
	w.time("from", s.From)
	w.time("until", s.Until)
	w.text("stopped", s.Stopped)
	list(w, "facts", s.Facts)
	list(w, "happenings", s.Happenings)
	list(w, "tasks", s.Tasks)
	w.close('}')
}

func (h Happening) appendJSON(w *jsonWriter) {
	run := h.Kind == HappensRun
	canceled := h.Outcome == Canceled || h.Outcome == TimedOut
	w.open('{')
	w.text("kind", h.Kind.String())
	w.time("at", h.At)
	w.guid("task_id", h.TaskID)
	w.text("package", h.Package)
	w.text("name", h.Name)
	w.int("firings", h.Firings)
	w.number("attempt", h.Attempt, run)
	w.time("held_since", h.HeldSince)
	if w.member("held_s", !h.HeldSince.IsZero()) {
		w.duration(h.At.Sub(h.HeldSince))
	}
	list(w, "held_for", h.HeldFor)
	w.time("ended", h.Ended)
	if w.member("took_s", run && !h.Ended.IsZero()) {
		w.duration(h.Ended.Sub(h.At))
	}
	w.enum("outcome", h.Outcome.String(), h.Outcome != OutcomeNone)
	w.enum("reason", h.Reason.String(), canceled)
	w.number("reason_number", int(h.Reason), canceled)
	w.enum("end", h.End.String(), h.End != EndNone)
	if w.member("missed", h.Missed != nil) {
		h.Missed.appendJSON(w)
	}
	w.text("text", h.Text)
	w.close('}')
}

func (p Prospect) appendJSON(w *jsonWriter) {
	w.open('{')
	w.guid("task_id", p.TaskID)
	w.text("package", p.Package)
	w.text("name", p.Name)
	w.int("runs", p.Runs)
	w.value("counts", p.Counts)
	w.int("expired", p.Expired)
	w.seconds("held_s", p.Held)
	if w.member("lasts_s", p.Lasts > 0) {
		w.duration(p.Lasts)
	}
	w.number("lasts_of", p.LastsOf, p.Lasts > 0)
	w.value("state", p.State)
	w.close('}')
}

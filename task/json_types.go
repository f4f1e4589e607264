package task

import (
	"encoding/json"
	"reflect"
	"strings"
)

// The types that encoding/json writes as --json shows them, what they have beside
// their fields, and the two that are read back: Spec and Details.
//
// The arguments and the environment of a command may hold secrets. They are left out
// wherever an Info is shown, except by FullInfo.

// MarshalJSON writes every member.
func (s Spec) MarshalJSON() ([]byte, error) { return marshalWhole(s) }

// UnmarshalJSON reads what MarshalJSON wrote. It checks the form only: Validate
// reports whether the registration makes sense.
func (s *Spec) UnmarshalJSON(data []byte) error {
	var read Spec
	if err := unmarshalJSON(data, &read); err != nil {
		return err
	}
	*s = read
	return nil
}

// DecodeDetails reads the JSON of details, as a command finds them in BGTASK_DETAILS;
// null is nil. Times come back in UTC.
func DecodeDetails(data []byte) (d Details, err error) {
	err = unmarshalJSON(data, &d)
	return d, err
}

// FullInfo is an Info whose JSON has the whole command: for show, and for nothing
// else.
type FullInfo struct{ Info }

// MarshalJSON writes every member.
func (i FullInfo) MarshalJSON() ([]byte, error) { return marshalWhole(i.Info) }

// marshalWhole is marshalJSON with the secrets of commands.
func marshalWhole(v any) ([]byte, error) {
	w := &jsonWriter{}
	b := w.value(reflect.ValueOf(v))
	return b, w.err
}

// MarshalJSON writes every member.
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
func (s Simulation) MarshalJSON() ([]byte, error)  { return marshalJSON(s) }
func (h Happening) MarshalJSON() ([]byte, error)   { return marshalJSON(h) }
func (p Prospect) MarshalJSON() ([]byte, error)    { return marshalJSON(p) }

// MarshalJSON of a trigger is an object with the class name as its "type".
func (t TimeTrigger) MarshalJSON() ([]byte, error)                         { return marshalJSON(t) }
func (t MaintenanceTrigger) MarshalJSON() ([]byte, error)                  { return marshalJSON(t) }
func (t CalendarTrigger) MarshalJSON() ([]byte, error)                     { return marshalJSON(t) }
func (t SystemTrigger) MarshalJSON() ([]byte, error)                       { return marshalJSON(t) }
func (t ApplicationTrigger) MarshalJSON() ([]byte, error)                  { return marshalJSON(t) }
func (t CustomSystemEventTrigger) MarshalJSON() ([]byte, error)            { return marshalJSON(t) }
func (t StorageLibraryContentChangedTrigger) MarshalJSON() ([]byte, error) { return marshalJSON(t) }
func (t SocketActivityTrigger) MarshalJSON() ([]byte, error)               { return marshalJSON(t) }
func (t DeviceWatcherTrigger) MarshalJSON() ([]byte, error)                { return marshalJSON(t) }
func (t ToastNotificationActionTrigger) MarshalJSON() ([]byte, error)      { return marshalJSON(t) }
func (t PushNotificationTrigger) MarshalJSON() ([]byte, error)             { return marshalJSON(t) }

// MarshalJSON of details is an object with the class name of their trigger as its
// "type".
func (d TimeTriggerDetails) MarshalJSON() ([]byte, error)              { return marshalJSON(d) }
func (d SystemTriggerDetails) MarshalJSON() ([]byte, error)            { return marshalJSON(d) }
func (d ApplicationTriggerDetails) MarshalJSON() ([]byte, error)       { return marshalJSON(d) }
func (d CustomSystemEventTriggerDetails) MarshalJSON() ([]byte, error) { return marshalJSON(d) }
func (d StorageLibraryContentChangedTriggerDetails) MarshalJSON() ([]byte, error) {
	return marshalJSON(d)
}
func (d SocketActivityTriggerDetails) MarshalJSON() ([]byte, error)          { return marshalJSON(d) }
func (d DeviceWatcherTriggerDetails) MarshalJSON() ([]byte, error)           { return marshalJSON(d) }
func (d ToastNotificationActionTriggerDetails) MarshalJSON() ([]byte, error) { return marshalJSON(d) }
func (d PushNotificationTriggerDetails) MarshalJSON() ([]byte, error)        { return marshalJSON(d) }
func (d ManualDetails) MarshalJSON() ([]byte, error)                         { return marshalJSON(d) }

func (c Command) jsonMembers(o *jsonObject) {
	if o.redact {
		o.set("args", []string{})
		o.set("env", []string{})
	}
	o.set("redacted", o.redact)
}

// readExtras refuses a command whose arguments were left out: registered, it would
// be another one.
func (c *Command) readExtras(members map[string]json.RawMessage) error {
	redacted := members["redacted"]
	delete(members, "redacted")
	if redacted != nil && string(redacted) != "false" {
		return invalidJSON("the arguments and the environment of this command were left out")
	}
	return nil
}

func (r Run) jsonMembers(o *jsonObject) {
	took, ok := r.Took()
	o.setIf(ok, "took_s", took)
	o.reasonOf(r.Outcome)
}

// reasonOf makes the reason unknown unless the outcome has one.
func (o *jsonObject) reasonOf(outcome Outcome) {
	if outcome != Canceled && outcome != TimedOut {
		o.unknown("reason", "reason_number")
	}
}

func (s State) jsonMembers(o *jsonObject) {
	held := s.Phase == Held && !s.Since.IsZero() && !s.Now.IsZero()
	o.setIf(held, "held_s", s.Now.Sub(s.Since))
}

func (c Counts) jsonMembers(o *jsonObject) {
	by := &jsonObject{jsonWriter: o.jsonWriter}
	for _, row := range Outcomes() {
		by.set(strings.ReplaceAll(row.Name, " ", "_"), c.ByOutcome[row.Outcome])
	}
	o.put("by_outcome", by.bytes())
}

func (x Explanation) jsonMembers(o *jsonObject) { o.set("text", x.String()) }

func (h Happening) jsonMembers(o *jsonObject) {
	o.setIf(!h.HeldSince.IsZero(), "held_s", h.At.Sub(h.HeldSince))
	o.setIf(h.Kind == HappensRun && !h.Ended.IsZero(), "took_s", h.Ended.Sub(h.At))
	o.reasonOf(h.Outcome)
}

func (p Prospect) jsonMembers(o *jsonObject) {
	if p.Lasts <= 0 {
		o.unknown("lasts_s", "lasts_of")
	}
}

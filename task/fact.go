package task

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Value is the value of a fact; Unknown when nothing reports it.
type Value string

// Values that conditions and triggers know.
const (
	Unknown      Value = ""
	Yes          Value = "yes"
	No           Value = "no"
	None         Value = "none" // there is no such thing here: no battery
	Present      Value = "present"
	Away         Value = "away"
	Connected    Value = "connected"
	Disconnected Value = "disconnected"
	Low          Value = "low"
	Medium       Value = "medium"
	High         Value = "high"
)

// Known says whether v is a value at all.
func (v Value) Known() bool { return v != Unknown }

// String shows Unknown as "unknown".
func (v Value) String() string {
	if v == Unknown {
		return "unknown"
	}
	return string(v)
}

// Percent reads "81%".
func (v Value) Percent() (int, bool) {
	n, err := strconv.Atoi(strings.TrimSuffix(string(v), "%"))
	return n, err == nil && strings.HasSuffix(string(v), "%")
}

// The names of the facts that conditions and system triggers read. Others may be
// reported under the prefix of an external source, "name/fact".
const (
	FactInternet    = "internet"     // yes, no: the internet is reachable
	FactMetered     = "metered"      // yes, no: the connection costs money; none: there is no connection
	FactNetwork     = "network"      // any text: changes with every change of the network
	FactUser        = "user"         // present, away
	FactSession     = "session"      // connected, disconnected
	FactOnAC        = "on-ac"        // yes, no; yes where there is no battery
	FactBattery     = "battery"      // a percentage ("81%"), or none
	FactPower       = "power"        // charging, discharging, idle, none: WinRT's BatteryStatus
	FactWorkCost    = "work-cost"    // low (AC), medium (battery, display on), high
	FactStorageLow  = "storage-low"  // yes, no: little space on the state file system
	FactIdle        = "idle"         // yes, no: the machine is idle and no user is active
	FactEnergySaver = "energy-saver" // yes, no
	FactTimeZone    = "time-zone"    // the UTC offset, "+01:00"; lasting
)

// FactRow describes a fact that conditions or triggers read.
type FactRow struct {
	Name    string
	Source  string             // what reports it on Linux, best first
	Values  []Value            // all that it can be, when those are a few words
	Valid   func(v Value) bool // of others; nil: any text
	Looks   string             // how a value of others looks
	Samples []Value            // for tests and simulated histories, the most ordinary first
	Lasting bool               // its last value is stored, so that a change while the broker was down is an edge
}

const (
	network = "NetworkManager, systemd-networkd, the kernel's routes"
	power   = "UPower, /sys/class/power_supply"
)

var factRows = []FactRow{
	{Name: FactInternet, Source: network, Values: []Value{Yes, No}},
	{Name: FactMetered, Source: network, Values: []Value{Yes, No, None}, Samples: []Value{No, Yes}},
	{Name: FactNetwork, Source: network, Samples: []Value{"wifi", "wire", "none"}},
	{Name: FactUser, Source: "logind", Values: []Value{Present, Away}},
	{Name: FactSession, Source: "logind", Values: []Value{Connected, Disconnected}},
	{Name: FactOnAC, Source: power, Values: []Value{Yes, No}},
	{Name: FactBattery, Source: power, Valid: isCharge, Looks: "81% or none", Samples: []Value{"81%", "12%", None}},
	{Name: FactPower, Source: power, Values: []Value{"charging", "discharging", "idle", None}},
	{Name: FactWorkCost, Source: power + "; logind", Values: []Value{Low, Medium, High}},
	{Name: FactStorageLow, Source: "statfs", Values: []Value{Yes, No}, Samples: []Value{No, Yes}},
	{Name: FactIdle, Source: "logind, /proc/pressure", Values: []Value{Yes, No}, Samples: []Value{No, Yes}},
	{Name: FactEnergySaver, Source: "power-profiles-daemon, the desktop portal", Values: []Value{Yes, No}, Samples: []Value{No, Yes}},
	{Name: FactTimeZone, Source: "/etc/localtime, timedated", Valid: isOffset, Looks: "+01:00", Samples: []Value{"+00:00", "+01:00"}, Lasting: true},
}

// FactTable is the table of all facts that conditions and triggers read.
func FactTable() []FactRow { return factRows }

// FactOf returns the row of a fact; false when nothing reads a fact of that name.
func FactOf(name string) (FactRow, bool) {
	i := slices.IndexFunc(factRows, func(r FactRow) bool { return r.Name == name })
	if i < 0 {
		return FactRow{}, false
	}
	return factRows[i], true
}

// SampleValues lists values for tests, the most ordinary first.
func (r FactRow) SampleValues() []Value {
	if r.Samples == nil {
		return r.Values
	}
	return r.Samples
}

// AllConditions are those of a registration, and those that its trigger brings.
func AllConditions(t Trigger, own []Condition) []Condition {
	if _, ok := t.(MaintenanceTrigger); ok && !slices.ContainsFunc(own, isACPower) {
		return append(slices.Clip(own), ACPower)
	}
	return own
}

func isACPower(c Condition) bool {
	plain, _ := CutUnknown(c)
	return plain == ACPower
}

// Facts are the names of those that a registration depends on, sorted.
func (s Spec) Facts() []string {
	var names []string
	if t, ok := s.Trigger.(SystemTrigger); ok {
		if row, ok := t.Type.Row(); ok && row.Fact != "" {
			names = append(names, row.Fact)
		}
	}
	for _, c := range AllConditions(s.Trigger, s.Conditions) {
		for _, n := range c.Needs() {
			names = append(names, n.Fact)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func isCharge(v Value) bool {
	n, ok := v.Percent()
	return v == None || ok && n >= 0 && n <= 100
}

func isOffset(v Value) bool {
	_, err := time.Parse("-07:00", string(v))
	return err == nil
}

// CheckFact refuses a fact that nothing reads, and a value that it never has. Unknown
// is one that each may have.
func CheckFact(name string, v Value) error {
	row, ok := FactOf(name)
	if !ok {
		return &Error{Err: ErrInvalid, Detail: fmt.Sprintf("there is no fact %q", clip(name, 64)), Hint: "they are: " + strings.Join(FactNames(), " ")}
	}
	switch {
	case !v.Known():
	case len(row.Values) > 0 && !slices.Contains(row.Values, v):
		return neverSo(name, v, "it is one of: "+wordsOf(row.Values))
	case row.Valid != nil && !row.Valid(v):
		return neverSo(name, v, "it looks like "+row.Looks)
	case len(v) > MaxFactValue:
		return &Error{Subject: name, Err: ErrLimit, Detail: fmt.Sprintf("a value of %d bytes is longer than the %d allowed", len(v), MaxFactValue)}
	}
	return nil
}

func neverSo(name string, v Value, hint string) error {
	return &Error{Err: ErrInvalid, Detail: fmt.Sprintf("%s is never %q", name, clip(string(v), 64)), Hint: hint}
}

// FactNames are the names of the table.
func FactNames() (all []string) {
	for _, row := range factRows {
		all = append(all, row.Name)
	}
	return all
}

func wordsOf(values []Value) string {
	var words strings.Builder
	for _, v := range values {
		words.WriteString(string(v) + " ")
	}
	return words.String() + Unknown.String()
}

// Lasting reports whether the last value of the fact is stored, so that a change while
// the broker was down is an edge.
func Lasting(fact string) bool {
	row, _ := FactOf(fact)
	return row.Lasting
}

// Cause says why a value is unknown, or a trigger's source missing.
type Cause uint8

// The causes.
const (
	CauseNone           Cause = iota // the value is known
	CauseNoSource                    // nothing on this machine knows it
	CauseSourceStarting              // its source has not spoken yet
	CauseSourceGone                  // its source went away
	CauseSourceUnsure                // its source is there, and does not know
)

// String is the phrase shown to users.
func (c Cause) String() string {
	return nameOf([]string{"", "no source", "source starting", "source gone", "source does not know"}, int(c), "Cause")
}

// Fact is something true of the machine now.
type Fact struct {
	Name   string `json:"name"`
	Value  Value  `json:"value"`
	Source string `json:"source"` // who says so: "NetworkManager"
	Detail string `json:"detail"` // in the source's words: "limited"

	// Set by the broker, not by sources.
	Since      time.Time `json:"since"`      // wall time of the value's last change
	Cause      Cause     `json:"cause"`      // when Value is Unknown
	Overridden bool      `json:"overridden"` // by a person, for testing
	Until      time.Time `json:"until"`      // end of the override; zero: until the broker ends
	Real       Value     `json:"real"`       // what the source says, when Overridden
	UsedBy     []string  `json:"used_by"`    // names of tasks that need it, PACKAGE/NAME; at most 8, sorted
}

// SourceStatus is what a source says of itself.
type SourceStatus uint8

// The states of a source.
const (
	SourceStarting SourceStatus = iota // it has not spoken yet
	SourceUp                           // its facts are current
	SourceGone                         // it went away; its facts become unknown after 10 s
	SourceNotHere                      // its service does not exist on this machine
	SourceStandby                      // a better source feeds its facts
)

// String is the phrase shown to users.
func (s SourceStatus) String() string {
	return nameOf([]string{"starting", "up", "gone", "not here", "standing by"}, int(s), "SourceStatus")
}

// SourceState is a source, what it feeds and how it is.
type SourceState struct {
	Name     string       `json:"name"` // "NetworkManager"
	Status   SourceStatus `json:"status"`
	Detail   string       `json:"detail"`   // why it is not up
	Remedy   string       `json:"remedy"`   // what to do to have it
	Facts    []string     `json:"facts"`    // the names it feeds
	Triggers []string     `json:"triggers"` // the trigger classes it feeds
}

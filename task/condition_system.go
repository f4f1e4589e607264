package task

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// SystemCondition is a condition without parameters. It stands for both SystemCondition
// and SystemConditionType of WinRT. Numbers 1 to 8 are WinRT's; the others are ours.
type SystemCondition uint8

// System conditions, WinRT's eight first.
const (
	UserPresent               SystemCondition = 1
	UserNotPresent            SystemCondition = 2
	InternetAvailable         SystemCondition = 3
	InternetNotAvailable      SystemCondition = 4
	SessionConnected          SystemCondition = 5
	SessionDisconnected       SystemCondition = 6
	FreeNetworkAvailable      SystemCondition = 7
	BackgroundWorkCostNotHigh SystemCondition = 8

	ACPower        SystemCondition = 64
	BatteryNotLow  SystemCondition = 65
	StorageNotLow  SystemCondition = 66
	DeviceIdle     SystemCondition = 67
	EnergySaverOff SystemCondition = 68
)

// ConditionRow describes a system condition.
type ConditionRow struct {
	Condition SystemCondition
	Name      string // WinRT's, or ours in its style
	Word      string // on the command line, in bgtask add --when WORD
	Windows   bool   // Windows has it
	Needs     []Need
	Excludes  []SystemCondition // those that cannot hold at the same time
}

// LowBattery is the charge in percent at and below which BatteryNotLow fails
// when not on AC: UPower's PercentageLow.
const LowBattery = 20

func is(fact string, want Value) Need {
	return Need{Fact: fact, Want: fact + "=" + string(want), Met: func(v Value) bool { return v == want }}
}

func isNot(fact string, unwanted Value, want string) Need {
	return Need{Fact: fact, Want: want, Met: func(v Value) bool { return v != unwanted }}
}

func batteryAbove(percent int) Need {
	return Need{Fact: FactBattery, Want: "battery above " + strconv.Itoa(percent) + "%", Met: func(v Value) bool {
		if v == None {
			return true
		}
		charge, ok := v.Percent()
		return ok && charge > percent
	}}
}

var systemConditions = enumerate("SystemCondition", "condition", []ConditionRow{
	{UserPresent, "UserPresent", "user-present", true, []Need{is(FactUser, Present)}, []SystemCondition{UserNotPresent, DeviceIdle}},
	{UserNotPresent, "UserNotPresent", "user-away", true, []Need{is(FactUser, Away)}, []SystemCondition{UserPresent}},
	{InternetAvailable, "InternetAvailable", "internet", true, []Need{is(FactInternet, Yes)}, []SystemCondition{InternetNotAvailable}},
	{InternetNotAvailable, "InternetNotAvailable", "no-internet", true, []Need{is(FactInternet, No)}, []SystemCondition{InternetAvailable, FreeNetworkAvailable}},
	{SessionConnected, "SessionConnected", "session", true, []Need{is(FactSession, Connected)}, []SystemCondition{SessionDisconnected}},
	{SessionDisconnected, "SessionDisconnected", "no-session", true, []Need{is(FactSession, Disconnected)}, []SystemCondition{SessionConnected}},
	{FreeNetworkAvailable, "FreeNetworkAvailable", "free-network", true, []Need{is(FactInternet, Yes), is(FactMetered, No)}, []SystemCondition{InternetNotAvailable}},
	{BackgroundWorkCostNotHigh, "BackgroundWorkCostNotHigh", "low-cost", true, []Need{isNot(FactWorkCost, High, "work-cost=low or medium")}, nil},
	{ACPower, "ACPower", "on-ac", false, []Need{is(FactOnAC, Yes)}, nil},
	{BatteryNotLow, "BatteryNotLow", "battery-ok", false, []Need{batteryAbove(LowBattery)}, nil},
	{StorageNotLow, "StorageNotLow", "storage-ok", false, []Need{is(FactStorageLow, No)}, nil},
	{DeviceIdle, "DeviceIdle", "idle", false, []Need{is(FactIdle, Yes)}, []SystemCondition{UserPresent}},
	{EnergySaverOff, "EnergySaverOff", "saver-off", false, []Need{is(FactEnergySaver, No)}, nil},
}, func(r *ConditionRow) (SystemCondition, string) { return r.Condition, r.Name })

// SystemConditions returns the table of the system conditions, in the order of their
// numbers.
func SystemConditions() []ConditionRow { return systemConditions.rows }

func (c SystemCondition) row() *ConditionRow { return systemConditions.row(c) }

// Row returns the condition's row. It returns false for a number without a row.
func (c SystemCondition) Row() (ConditionRow, bool) { return systemConditions.lookup(c) }

// Class returns "SystemCondition".
func (SystemCondition) Class() string { return "SystemCondition" }

// String returns WinRT's name, or ours in its style, such as "ACPower".
func (c SystemCondition) String() string { return systemConditions.name(c) }

// Word returns the word of the command line, such as "on-ac".
func (c SystemCondition) Word() string {
	if row := c.row(); row != nil {
		return row.Word
	}
	return c.String()
}

// Needs returns the facts that c depends on, or nil if c has no row.
func (c SystemCondition) Needs() []Need {
	if row := c.row(); row != nil {
		return row.Needs
	}
	return nil
}

// Verdict evaluates c on the facts that it needs.
func (c SystemCondition) Verdict(known Readings) Verdict { return judge(c.Needs(), known) }

// Excludes reports whether the table excludes the two conditions.
func (c SystemCondition) Excludes(other Condition) bool {
	plain, _ := CutUnknown(other)
	o, ok := plain.(SystemCondition)
	row := c.row()
	return ok && row != nil && slices.Contains(row.Excludes, o)
}

func (c SystemCondition) check(f *faults) {
	if c.row() == nil {
		f.add(ErrInvalid, fmt.Sprintf("there is no condition number %d", uint8(c)), "the conditions are "+conditionNames())
	}
}

func conditionNames() string {
	var names []string
	for _, row := range SystemConditions() {
		names = append(names, row.Name)
	}
	return strings.Join(names, ", ")
}

// ParseCondition finds a condition by its name or by its command-line word. A
// question mark at the end stands for OrUnknown.
func ParseCondition(s string) (Condition, error) {
	word, orUnknown := strings.CutSuffix(s, unknownSuffix)
	c, err := parseSystemCondition(word)
	if orUnknown {
		c = OrUnknown(c)
	}
	return c, err
}

func parseSystemCondition(s string) (Condition, error) {
	for _, row := range SystemConditions() {
		if row.Word == s {
			return row.Condition, nil
		}
	}
	c, err := systemConditions.parse(s)
	if err != nil {
		return nil, err
	}
	return c, nil
}

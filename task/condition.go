package task

import "strconv"

// Condition is a level that must hold before a run is admitted. One to eight are
// WinRT's SystemConditionType; the others are ours.
type Condition uint8

// The conditions.
const (
	UserPresent               Condition = 1
	UserNotPresent            Condition = 2
	InternetAvailable         Condition = 3
	InternetNotAvailable      Condition = 4
	SessionConnected          Condition = 5
	SessionDisconnected       Condition = 6
	FreeNetworkAvailable      Condition = 7
	BackgroundWorkCostNotHigh Condition = 8

	ACPower        Condition = 64
	BatteryNotLow  Condition = 65
	StorageNotLow  Condition = 66
	DeviceIdle     Condition = 67
	EnergySaverOff Condition = 68
)

// Need is one fact that a condition asks for.
type Need struct {
	Fact string           // its name
	Want string           // how an unmet need is told: "internet=yes", "battery above 20%"
	Met  func(Value) bool // for a known value
}

// ConditionRow is what the system knows of a condition.
type ConditionRow struct {
	Condition Condition
	Name      string // as in WinRT
	Word      string // on the command line: bgtask add --when WORD
	Windows   bool   // Windows has it
	Needs     []Need
	Excludes  []Condition // cannot hold at the same time
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

var conditionRows = []ConditionRow{
	{UserPresent, "UserPresent", "user-present", true, []Need{is(FactUser, Present)}, []Condition{UserNotPresent, DeviceIdle}},
	{UserNotPresent, "UserNotPresent", "user-away", true, []Need{is(FactUser, Away)}, []Condition{UserPresent}},
	{InternetAvailable, "InternetAvailable", "internet", true, []Need{is(FactInternet, Yes)}, []Condition{InternetNotAvailable}},
	{InternetNotAvailable, "InternetNotAvailable", "no-internet", true, []Need{is(FactInternet, No)}, []Condition{InternetAvailable, FreeNetworkAvailable}},
	{SessionConnected, "SessionConnected", "session", true, []Need{is(FactSession, Connected)}, []Condition{SessionDisconnected}},
	{SessionDisconnected, "SessionDisconnected", "no-session", true, []Need{is(FactSession, Disconnected)}, []Condition{SessionConnected}},
	{FreeNetworkAvailable, "FreeNetworkAvailable", "free-network", true, []Need{is(FactInternet, Yes), is(FactMetered, No)}, []Condition{InternetNotAvailable}},
	{BackgroundWorkCostNotHigh, "BackgroundWorkCostNotHigh", "low-cost", true, []Need{isNot(FactWorkCost, High, "work-cost=low or medium")}, nil},
	{ACPower, "ACPower", "on-ac", false, []Need{is(FactOnAC, Yes)}, nil},
	{BatteryNotLow, "BatteryNotLow", "battery-ok", false, []Need{batteryAbove(LowBattery)}, nil},
	{StorageNotLow, "StorageNotLow", "storage-ok", false, []Need{is(FactStorageLow, No)}, nil},
	{DeviceIdle, "DeviceIdle", "idle", false, []Need{is(FactIdle, Yes)}, []Condition{UserPresent}},
	{EnergySaverOff, "EnergySaverOff", "saver-off", false, []Need{is(FactEnergySaver, No)}, nil},
}

var conditionByNumber = func() (t [69]*ConditionRow) {
	for i := range conditionRows {
		t[conditionRows[i].Condition] = &conditionRows[i]
	}
	return t
}()

// Conditions is the table of all conditions, in the order of their numbers.
func Conditions() []ConditionRow { return conditionRows }

// Row gives the condition's row; false when there is no such condition.
func (c Condition) Row() (ConditionRow, bool) {
	if int(c) < len(conditionByNumber) && conditionByNumber[c] != nil {
		return *conditionByNumber[c], true
	}
	return ConditionRow{}, false
}

// Needs lists the facts that c asks for; nil for an unknown condition.
func (c Condition) Needs() []Need {
	if int(c) < len(conditionByNumber) && conditionByNumber[c] != nil {
		return conditionByNumber[c].Needs
	}
	return nil
}

// String is WinRT's name, or ours in its style: "ACPower".
func (c Condition) String() string {
	if row, ok := c.Row(); ok {
		return row.Name
	}
	return nameOf(nil, int(c), "Condition")
}

// ParseCondition finds a condition by its name or by its command-line word.
func ParseCondition(s string) (Condition, error) {
	for _, row := range conditionRows {
		if row.Name == s || row.Word == s {
			return row.Condition, nil
		}
	}
	_, err := indexOf(nil, s, "condition")
	return 0, err
}

// Verdict is what a condition says of the facts: three-valued, since unknown is
// neither yes nor no.
type Verdict uint8

// The verdicts.
const (
	Unsure Verdict = iota
	Fails
	Holds
)

// String is the word shown to users.
func (v Verdict) String() string {
	return nameOf([]string{"unsure", "fails", "holds"}, int(v), "Verdict")
}

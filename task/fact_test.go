package task

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckFact(t *testing.T) {
	for _, ok := range []string{"internet=yes", "on-ac=no", "battery=81%", "battery=none", "battery=100%", "network=anything at all", "time-zone=+05:30", "power=charging", "user=", "work-cost=medium"} {
		name, value, _ := strings.Cut(ok, "=")
		if err := CheckFact(name, Value(value)); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
	for _, bad := range []string{"internet=on", "on-ac=true", "battery=81", "battery=101%", "battery=-1%", "time-zone=CET", "power=full", "intranet=yes", "x/internet=yes", "=yes",
		"network=" + strings.Repeat("n", MaxFactValue+1)} {
		name, value, _ := strings.Cut(bad, "=")
		err := CheckFact(name, Value(value))
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrLimit) {
			t.Errorf("%s is accepted: %v", bad, err)
		}
	}
}

// TestConditionsReadFactsOfTheTable: a fact that is read and is not in the table could
// not be supposed.
func TestConditionsReadFactsOfTheTable(t *testing.T) {
	for _, row := range SystemConditions() {
		for _, n := range row.Needs {
			if err := CheckFact(n.Fact, Unknown); err != nil {
				t.Errorf("task/fact.go: %v needs a fact that has no row: %v", row.Condition, err)
			}
		}
	}
	for _, row := range SystemTriggerTypes() {
		if row.Fact != "" && CheckFact(row.Fact, Unknown) != nil {
			t.Errorf("%s reads %s, which is not in the table", row.Name, row.Fact)
		}
	}
}

func TestFactsOfASpec(t *testing.T) {
	for _, test := range []struct {
		spec Spec
		want string
	}{
		{Spec{Trigger: TimeTrigger{}}, ""},
		{Spec{Trigger: TimeTrigger{}, Conditions: []Condition{FreeNetworkAvailable, InternetAvailable}}, "internet metered"},
		{Spec{Trigger: SystemTrigger{Type: OnUserAway}, Conditions: []Condition{ACPower}}, "on-ac user"},
		{Spec{Trigger: SystemTrigger{Type: OnServicingComplete}}, ""},
		{Spec{Trigger: MaintenanceTrigger{}, Conditions: []Condition{DeviceIdle}}, "idle on-ac"},
	} {
		if got := strings.Join(test.spec.Facts(), " "); got != test.want {
			t.Errorf("%v depends on %q, not on %q", test.spec, got, test.want)
		}
	}
}

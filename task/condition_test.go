package task

import "testing"

type readings map[string]Value

func (r readings) Value(fact string) Value { return r[fact] }

func TestOrUnknown(t *testing.T) {
	c := OrUnknown(DeviceIdle)
	if c != OrUnknown(DeviceIdle) || c != OrUnknown(c) || c == Condition(DeviceIdle) || c == OrUnknown(ACPower) {
		t.Error("conditions that ask for the same are not equal, or others are")
	}
	if n := len(map[Condition]bool{c: true, OrUnknown(c): true, DeviceIdle: true}); n != 2 {
		t.Errorf("%d keys of a map, want 2", n)
	}
	if c.String() != "DeviceIdle (or unknown)" || c.Word() != "idle?" || c.Class() != "SystemCondition" {
		t.Errorf("it is called %v, %s, %s", c, c.Word(), c.Class())
	}
	if plain, found := CutUnknown(c); !found || plain != DeviceIdle {
		t.Errorf("beneath it is %v (%v)", plain, found)
	}
	if plain, found := CutUnknown(DeviceIdle); found || plain != DeviceIdle {
		t.Errorf("a plain condition is cut to %v (%v)", plain, found)
	}
	if OrUnknown(nil) != nil {
		t.Error("nothing became a condition")
	}
	if !c.Excludes(UserPresent) || !UserPresent.Excludes(c) || c.Excludes(ACPower) {
		t.Error("the wrapper changes what the condition excludes")
	}
}

func TestWordsOfConditions(t *testing.T) {
	for _, row := range SystemConditions() {
		for _, c := range []Condition{row.Condition, OrUnknown(row.Condition)} {
			if got, err := ParseCondition(c.Word()); err != nil || got != c {
				t.Errorf("%q is read as %v (%v)", c.Word(), got, err)
			}
		}
	}
	for _, bad := range []string{"", "?", "idle??", "?idle", "idle ?", "sunshine", "sunshine?"} {
		if c, err := ParseCondition(bad); err == nil || c != nil {
			t.Errorf("%q is read as %v (%v)", bad, c, err)
		}
	}
}

func TestVerdicts(t *testing.T) {
	for _, test := range []struct {
		c         Condition
		known     readings
		want      Verdict
		satisfied bool
	}{
		{FreeNetworkAvailable, readings{FactInternet: Yes, FactMetered: No}, Holds, true},
		{FreeNetworkAvailable, readings{FactInternet: Yes}, Unsure, false},
		{FreeNetworkAvailable, readings{FactMetered: Yes}, Fails, false},
		{FreeNetworkAvailable, readings{FactInternet: No}, Fails, false},
		{OrUnknown(FreeNetworkAvailable), readings{FactInternet: Yes}, Unsure, true},
		{OrUnknown(FreeNetworkAvailable), readings{FactMetered: Yes}, Fails, false},
		{OrUnknown(FreeNetworkAvailable), readings{FactInternet: Yes, FactMetered: No}, Holds, true},
		{BackgroundWorkCostNotHigh, nil, Unsure, false},
	} {
		v := test.c.Verdict(test.known)
		if v != test.want || Satisfied(test.c, v) != test.satisfied {
			t.Errorf("%v with %v: %v, satisfied: %v", test.c, test.known, v, Satisfied(test.c, v))
		}
	}
}

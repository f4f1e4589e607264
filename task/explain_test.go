package task

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// golden compares got with testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s differs (run with -rewrite, and look at the change):\n%s", file, d)
	}
}

var cet = time.FixedZone("CET", 3600)

// now is the time of all explanations in this file.
var now = time.Date(2026, 11, 23, 14, 28, 20, 0, cet)

// at returns a time of that day.
func at(clock string) time.Time {
	t, err := time.ParseInLocation(time.DateTime, "2026-11-23 "+clock, cet)
	if err != nil {
		panic(err)
	}
	return t.UTC() // the page shows its own zone, whatever the zone of a time
}

func fact(name string, v Value, ago time.Duration, source, detail string) Fact {
	return Fact{Name: name, Value: v, Since: now.Add(-ago), Source: source, Detail: detail}
}

func need(c Condition, v Verdict, facts ...Fact) NeedState {
	return NeedState{Condition: c, Verdict: v, Facts: facts}
}

func failedRun(started string, o Outcome, exit, text, stderr string) Run {
	return Run{Started: at(started), Ended: at(started), Outcome: o, Exit: exit, Text: text, Stderr: stderr}
}

// explanations returns the six explanations of the design.
func explanations() []Explanation {
	return []Explanation{heldByInternet(), heldUnsure(), backingOff(), suspended(), waiting(), running()}
}

func heldByInternet() Explanation {
	return Explanation{
		At: now,
		Info: Info{
			Spec: Spec{Name: "SyncNotes", Trigger: TimeTrigger{Freshness: 30 * time.Minute}, Conditions: []Condition{InternetAvailable, BatteryNotLow}},
			State: State{Phase: Held, Since: at("13:00:00"), Now: now, Waiting: 3,
				Reasons: []Reason{{Kind: WaitCondition, Condition: InternetAvailable}}},
		},
		Fired: 3, First: at("13:00:00"), Last: at("14:00:00"), By: "its timer",
		Needs: []NeedState{
			need(InternetAvailable, Fails, fact(FactInternet, No, 90*time.Minute, "NetworkManager", "limited")),
			need(BatteryNotLow, Holds, fact(FactBattery, "81%", 3*time.Hour, "UPower", "")),
		},
		Would: []string{"internet=yes"},
	}
}

func heldUnsure() Explanation {
	user := fact(FactUser, Unknown, 5*time.Hour, "logind", "logind did not answer")
	user.Cause = CauseNoSource
	return Explanation{
		At: now,
		Info: Info{
			Spec:  Spec{Name: "GreetUser", Trigger: CustomSystemEventTrigger{ID: "morning"}, Conditions: []Condition{UserPresent}},
			State: State{Phase: Held, Since: at("09:12:00"), Now: now, Waiting: 1, Reasons: []Reason{{Kind: WaitUnsure, Condition: UserPresent}}},
		},
		Fired: 1, First: at("09:12:00"), Last: at("09:12:00"), By: `event "morning"`,
		Needs: []NeedState{need(UserPresent, Unsure, user)},
		Would: []string{"user=present"},
	}
}

func backingOff() Explanation {
	const stderr = "Fatal:\nrestic: unable to open repository: dial tcp 10.0.0.9:8000: i/o timeout\n\n"
	third := failedRun("14:24:10", RetryAsked, "exit 3", "", stderr)
	third.Attempt = 3
	return Explanation{
		At: now,
		Info: Info{
			Spec: Spec{Name: "backup", Trigger: CalendarTrigger{Expr: "0 */2 * * *", Zone: "Europe/Berlin"}, Conditions: []Condition{ACPower}, Command: &Command{}},
			State: State{Phase: BackingOff, Since: at("14:24:10"), Now: now, Next: at("14:32:10"), NextKnown: true, Attempt: 4, Attempts: 5,
				Waiting: 1, Reasons: []Reason{{Kind: WaitBackoff, Until: at("14:32:10")}}},
		},
		Fired: 1, First: at("14:00:00"), Last: at("14:00:00"), By: "its calendar",
		Needs: []NeedState{need(ACPower, Holds, fact(FactOnAC, Yes, time.Hour, "UPower", ""))},
		Tries: []Run{failedRun("14:00:00", RetryAsked, "exit 3", "", ""), failedRun("14:07:30", RetryAsked, "exit 3", "", ""), third},
	}
}

func suspended() Explanation {
	const stderr = "report: error while loading shared libraries: libpq.so.5: cannot open shared object file: No such file or directory"
	x := Explanation{
		At: now,
		Info: Info{
			Spec: Spec{Name: "report", EntryPoint: MustGUID("7d1e0c42-1111-2222-3333-444455556666"), Trigger: TimeTrigger{Freshness: 5 * time.Minute}},
			State: State{Phase: Suspended, Since: at("13:24:02"), Now: now, Waiting: 12, Faults: 5, Fault: ActivationFailed,
				Reasons: []Reason{{Kind: WaitSuspended}}},
			Server: "/home/ann/bin/report -server",
		},
		Fired: 12, First: at("13:15:00"), Last: at("14:10:00"), By: "its timer",
	}
	for _, started := range []string{"13:15:00", "13:15:10", "13:15:31", "13:16:14", "13:24:02"} {
		x.Tries = append(x.Tries, failedRun(started, ActivationFailed, "exit 127", "class not registered", stderr))
	}
	return x
}

func waiting() Explanation {
	return Explanation{
		At: now,
		Info: Info{
			Spec: Spec{Name: "TidyCache", Trigger: CalendarTrigger{Expr: "daily"}, Conditions: []Condition{ACPower, DeviceIdle},
				Hold: Hold{AtMost: 72 * time.Hour, Then: RunAnyway}},
			State:   State{Phase: Waiting, Now: now, Next: at("00:00:00").AddDate(0, 0, 1), NextKnown: true},
			LastRun: &Run{Started: at("00:00:02"), Entered: at("00:00:02"), Ended: at("00:00:16"), Outcome: Completed},
		},
		Needs: []NeedState{
			need(ACPower, Holds, fact(FactOnAC, Yes, 3*time.Hour, "UPower", "")),
			need(DeviceIdle, Fails, fact(FactIdle, No, 2*time.Hour, "logind", "")),
		},
		Would: []string{"idle=yes", "on-ac=yes"},
	}
}

func running() Explanation {
	return Explanation{
		At: now,
		Info: Info{
			Spec: Spec{Name: "SampleTask", Trigger: TimeTrigger{Freshness: 15 * time.Minute}, Conditions: []Condition{InternetAvailable}},
			State: State{Phase: Running, Since: at("14:15:00"), Now: now, Next: at("14:30:00"), NextKnown: true, Run: &Run{
				Occurrence: Occurrence{Number: 37}, Attempt: 1, Host: "the application", PID: 4711, Started: at("14:15:00"), Entered: at("14:15:00"),
				Progress: 31204500, ProgressAt: now.Add(-100 * time.Millisecond),
			}},
		},
		Fired: 1, First: at("14:15:00"), Last: at("14:15:00"), By: "its timer", Number: 37,
		Needs: []NeedState{need(InternetAvailable, Holds, fact(FactInternet, Yes, time.Hour, "NetworkManager", ""))},
		Would: []string{"internet=yes"},
		Use:   "MultipleUse",
	}
}

func TestWhyOfTheDesign(t *testing.T) {
	for _, x := range explanations() {
		t.Run(x.Info.Spec.Name, func(t *testing.T) { golden(t, "why/"+x.Info.Spec.Name+".txt", x.String()+"\n") })
	}
}

func TestStateColumnOfTheDesign(t *testing.T) {
	want := []string{
		"held 1 h 28 min: InternetAvailable",
		"held 5 h 16 min: UserPresent unsure",
		"backing off, 3 of 5 failed",
		"suspended: 5 failed starts",
		"waiting for its time",
		"running 13 min, progress 31204500",
	}
	for i, x := range explanations() {
		if got := x.Info.State.String(); got != want[i] {
			t.Errorf("%s: %q, want %q", x.Info.Spec.Name, got, want[i])
		}
	}
}

// TestWhyBetween checks situations that the six of the design do not show.
func TestWhyBetween(t *testing.T) {
	var pages []string
	page := func(x Explanation, change func(*Explanation)) {
		change(&x)
		pages = append(pages, x.String())
	}
	page(heldByInternet(), func(x *Explanation) { // two conditions and a key
		x.Info.Spec.Exclusive = "store"
		x.Info.Spec.Queue = 5
		x.Needs[1] = need(ACPower, Fails, Fact{Name: FactOnAC, Value: No, Since: now, Source: "UPower", Overridden: true, Real: Yes})
		x.Info.State.Reasons = append(x.Info.State.Reasons, Reason{Kind: WaitCondition, Condition: ACPower}, Reason{Kind: WaitExclusive, Detail: "backup"})
		x.Would = []string{"internet=yes", "on-ac=yes"}
		x.After = []string{`backup has ended (exclusive "store")`}
	})
	page(heldByInternet(), func(x *Explanation) { // settling; two facts of one condition; yesterday
		x.Needs = []NeedState{need(FreeNetworkAvailable, Holds, fact(FactInternet, Yes, time.Minute, "NetworkManager", ""), fact(FactMetered, No, time.Minute, "NetworkManager", "")),
			{Condition: OrUnknown(UserPresent), Verdict: Unsure, Facts: []Fact{{Name: FactUser, Cause: CauseSourceGone}}}}
		x.First = at("13:00:00").AddDate(0, 0, -1)
		x.Info.State.Reasons = []Reason{{Kind: WaitSettle, Until: at("14:29:00"), Detail: "2 losses in a row"}}
		x.Would, x.Earliest = nil, at("14:29:00")
	})
	page(waiting(), func(x *Explanation) { // far away, no conditions
		x.Info.Spec.Conditions, x.Info.Spec.Hold = nil, Hold{}
		x.Info.State.Next = at("09:00:00").AddDate(0, 1, 0)
		x.Needs, x.Would = nil, nil
	})
	page(heldUnsure(), func(x *Explanation) { // not fired
		x.Info.State = State{Phase: Waiting}
		x.Fired = 0
	})
	page(running(), func(x *Explanation) { // canceling, launched
		x.Info.State.Phase = Canceling
		x.Info.State.Since = at("14:28:18")
		x.Info.State.Run.Reason = ReasonConditionLoss
		x.Info.State.Run.Host = "launched"
		x.Info.State.Waiting = 2
		x.Fired = 4
	})
	page(running(), func(x *Explanation) {
		x.Info.Spec.Name = "my task"
		x.Info.State.Phase = Unresponsive
	})
	page(running(), func(x *Explanation) {
		x.Info.Spec.Trigger = ApplicationTrigger{}
		x.RunLimit = 10 * time.Minute
		x.Info.State.NextKnown = false
		x.By = "the application"
	})
	page(suspended(), func(x *Explanation) {
		x.Info.State.Faults, x.Info.State.Text = 0, "its class is no longer declared"
		x.Info.Spec.Command = &Command{}
		x.Earliest = at("13:24:02").AddDate(0, 0, 1)
		x.Tries = nil
	})
	page(running(), func(x *Explanation) {
		x.Info.State = State{Phase: Starting, Since: at("14:28:15")}
		x.Info.Server = "/opt/app"
	})
	page(running(), func(x *Explanation) { x.Info.State = State{Phase: Spent}; x.Fired = 0 })
	page(running(), func(x *Explanation) { x.Info.State = State{Phase: Removing}; x.Fired = 0 })
	page(heldByInternet(), func(x *Explanation) { // something else is in the way
		x.Info.State.Reasons = append([]Reason{{Kind: WaitEnergySaver}}, x.Info.State.Reasons...)
	})
	golden(t, "why/between.txt", strings.Join(pages, "\n\n")+"\n")
}

// TestWhyOfNothing checks that an empty explanation still has a text.
func TestWhyOfNothing(t *testing.T) {
	for phase := Waiting; phase <= Removing+1; phase++ {
		x := Explanation{Info: Info{State: State{Phase: phase, Reasons: []Reason{{Kind: WaitRate}}}}}
		if text := x.String(); !strings.Contains(text, " is ") && !strings.Contains(text, "does not respond") {
			t.Errorf("%v: %q", phase, text)
		}
		if text := x.Info.State.String(); text == "" || strings.Contains(text, "-") {
			t.Errorf("%v: %q", phase, text)
		}
	}
}

func TestTriggerTexts(t *testing.T) {
	grid := time.Date(2026, 11, 20, 8, 0, 0, 0, cet)
	tests := []struct {
		trigger       Trigger
		text, waiting string
	}{
		{TimeTrigger{Freshness: 30 * time.Minute}, "TimeTrigger, every 30 min on the grid of 2026-11-20 08:00:00 CET", "its time"},
		{TimeTrigger{Freshness: time.Minute, OneShot: true}, "TimeTrigger, after 1 min on the grid of 2026-11-20 08:00:00 CET, once", "its time"},
		{CalendarTrigger{Expr: "daily", Zone: "Europe/Berlin"}, `CalendarTrigger, "daily", Europe/Berlin`, "its time"},
		{SystemTrigger{Type: OnUserAway, OneShot: true}, "SystemTrigger, UserAway, once", "UserAway"},
		{ApplicationTrigger{}, "ApplicationTrigger", "a request"},
		{CustomSystemEventTrigger{ID: "a\"b"}, `CustomSystemEventTrigger, event "a\"b"`, `event "a\"b"`},
		{StorageLibraryContentChangedTrigger{Paths: []string{"/a", "/b"}}, "StorageLibraryContentChangedTrigger, a change in /a and 1 more", "a change in /a and 1 more"},
		{SocketActivityTrigger{Listen: "unix:/s"}, "SocketActivityTrigger, a connection on unix:/s", "a connection on unix:/s"},
		{nil, "no trigger", "its trigger"},
	}
	for _, tt := range tests {
		if got := TriggerText(tt.trigger, grid); got != tt.text {
			t.Errorf("%q, want %q", got, tt.text)
		}
		if got := WaitsFor(tt.trigger); got != tt.waiting {
			t.Errorf("%q, want %q", got, tt.waiting)
		}
	}
}

func TestCounts(t *testing.T) {
	c := Counts{Runs: 209, Missed: 17}
	c.ByOutcome[Completed], c.ByOutcome[Canceled], c.ByOutcome[Failed] = 203, 5, 1
	if got, want := c.String(), "209: 203 completed, 1 failed, 5 canceled; 17 instants missed"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

package task

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func shown() map[string]any {
	run := Run{
		ID: MustGUID("14c5882b-35d3-41be-86b2-5106269b97e6"), TaskID: MustGUID("3f2a90c1-5d0e-4b7a-9a61-0c6a7f1d2b33"), Name: "SyncNotes", Package: "notes_8z2hq4k1ycxxt",
		Occurrence: Occurrence{Number: 207, Due: at("12:00:00"), Observed: at("12:00:00"), Last: at("12:00:00"), Count: 1},
		Attempt:    1, Host: "launched", PID: 4320, Started: at("12:00:00"), Entered: at("12:00:00").Add(9 * time.Millisecond), Ended: at("12:00:01").Add(409 * time.Millisecond),
		Progress: 100, ProgressAt: at("12:00:01"), Outcome: Canceled, Reason: ReasonConditionLoss, Exit: "exit 1", Text: "offline", Stderr: "bye\n",
	}
	info := heldByInternet().Info
	info.LastRun, info.LastEnd = &run, &Ended{Number: 206, End: EndDone, At: at("11:30:00")}
	info.Counts.Runs, info.Counts.ByOutcome[TimedOut] = 1, 1
	missed := &Missed{First: at("03:00:00"), Last: at("11:00:00"), Count: 17, Cause: MissedAsleep, MadeUp: 205}
	internet := fact(FactInternet, No, time.Hour, "NetworkManager", "limited")
	internet.UsedBy = []string{"notes_8z2hq4k1ycxxt/SyncNotes"}
	server := ClassServer{Executable: "/opt/notes/notes", Arguments: []string{"-serve"}, Classes: []GUID{run.ID}, Declared: "AppxManifest.xml:34"}
	return map[string]any{
		"run":         run,
		"info":        info,
		"event":       Event{Seq: 7, Kind: EventEnded, Time: now, Boot: "b", BootTime: 90 * time.Minute, TaskID: run.TaskID, State: &info.State, Occurrence: &run.Occurrence, End: EndDone, Run: &run, Missed: missed, Fact: &internet, Old: Yes, Info: &info, Text: "by its timer"},
		"explanation": heldByInternet(),
		"fact":        internet,
		"source":      SourceState{Name: "logind", Status: SourceGone, Detail: "did not answer", Remedy: "start it", Facts: []string{FactUser}, Triggers: []string{"SystemTrigger"}},
		"package":     Package{Family: "notes_8z2hq4k1ycxxt", Name: "notes", Version: "1.2.3.0", Servers: []ClassServer{server}, Classes: server.Classes, Access: AlwaysAllowed},
		"missed":      *missed,
		"state":       running().Info.State,
	}
}

func zeros() map[string]any {
	return map[string]any{"run": Run{}, "info": Info{}, "event": Event{}, "explanation": Explanation{}, "fact": Fact{}, "source": SourceState{},
		"package": Package{}, "missed": Missed{}, "state": State{}}
}

// TestOutputJSON pins what scripts read.
func TestOutputJSON(t *testing.T) {
	for name, v := range shown() {
		t.Run(name, func(t *testing.T) {
			data, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			var page bytes.Buffer
			if err := json.Indent(&page, data, "", "  "); err != nil {
				t.Fatal(err)
			}
			golden(t, "json/"+name+".json", page.String()+"\n")
		})
	}
}

// TestOutputKeysAreNeverMissing compares a full value with the zero one; lists
// are lists in both.
func TestOutputKeysAreNeverMissing(t *testing.T) {
	full, empty := shown(), zeros()
	for name := range full {
		a, b := members(t, full[name]), members(t, empty[name])
		if d := cmp.Diff(slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b))); d != "" {
			t.Errorf("%s has other keys when it is empty:\n%s", name, d)
		}
		for key, v := range a {
			_, list := v.([]any)
			if _, also := b[key].([]any); list != also {
				t.Errorf("%s.%s is %v when full and %v when empty", name, key, v, b[key])
			}
		}
	}
}

func members(t *testing.T, v any) (m map[string]any) {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestSecretsAreInShowOnly: "Arguments and environment are in show only".
func TestSecretsAreInShowOnly(t *testing.T) {
	info := Info{Spec: wide()}
	info.Spec.Command.Args = []string{"--password", "hunter2"}
	info.Spec.Command.Env = []string{"TOKEN=hunter2"}
	for _, v := range []any{info, &info, Event{Info: &info}, Explanation{Info: info}, []Info{info}} {
		data, err := json.Marshal(v)
		if err != nil || bytes.Contains(data, []byte("hunter2")) || !bytes.Contains(data, []byte("restic")) {
			t.Errorf("%T: %s (%v)", v, data, err)
		}
	}
	data, err := json.Marshal(FullInfo{info})
	if err != nil || bytes.Count(data, []byte("hunter2")) != 2 {
		t.Errorf("show: %s (%v)", data, err)
	}
	if info.Spec.Command.Args == nil {
		t.Error("the registration was changed")
	}
	redacted := members(t, info)["spec"]
	data, err = json.Marshal(redacted)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := readSpec(data); err == nil {
		t.Errorf("a redacted command was read back: %+v", s.Command)
	}
}

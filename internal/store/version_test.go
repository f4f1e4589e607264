//go:build linux

package store_test

import (
	"database/sql"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/store"
	"github.com/bgtask/bgtask/internal/store/storetest"
	"github.com/bgtask/bgtask/task"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/v1.sql anew")

// TestVersion1 reads what version 1 wrote, byte for byte. Neither the schema nor the
// field numbers may change their meaning.
func TestVersion1(t *testing.T) {
	golden := filepath.Join("testdata", "v1.sql")
	want, wantEvent := version1()
	if *rewrite {
		if err := os.WriteFile(golden, []byte(dump(t, want, wantEvent)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	script, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	execute(t, filepath.Join(dir, "store.db"), string(script))
	if _, err := store.Keep(t.Context(), dir, start); err != nil { // a store without a mark
		t.Fatal(err)
	}

	s := openStore(t, dir, store.Options{})
	if diff := cmp.Diff(storetest.Sorted(want), load(t, s), storetest.Same); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got := events(t, s, 0, 1)
	if diff := cmp.Diff([]task.Event{wantEvent}, got, storetest.Same); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

// dump returns the store as SQL, one row per line.
func dump(t *testing.T, st engine.State, e task.Event) string {
	dir := t.TempDir()
	s := openStore(t, dir, store.Options{})
	writes := []engine.Write{engine.Put{Record: st.Clock}, engine.Append{Event: e}}
	for _, r := range st.Packages {
		writes = append(writes, engine.Put{Record: r})
	}
	for _, r := range st.Registrations {
		writes = append(writes, engine.Put{Record: r})
	}
	for _, r := range st.Ledgers {
		writes = append(writes, engine.Put{Record: r})
	}
	for _, r := range st.Occurrences {
		writes = append(writes, engine.Put{Record: r})
	}
	for _, r := range st.Runs {
		writes = append(writes, engine.Put{Record: r})
	}
	for _, r := range st.Launches {
		writes = append(writes, engine.Put{Record: r})
	}
	for _, r := range st.Answers {
		writes = append(writes, engine.Put{Record: r})
	}
	for _, r := range st.Facts {
		writes = append(writes, engine.Put{Record: r})
	}
	commit(t, s, writes...)
	closeStore(t, s)
	path := filepath.Join(dir, "store.db")
	header := fmt.Sprintf("PRAGMA application_id = %s;\nPRAGMA user_version = %s;\n",
		sqlite3(t, path, "PRAGMA application_id"), sqlite3(t, path, "PRAGMA user_version"))
	return header + sqlite3(t, path, ".dump") + "\n"
}

func execute(t *testing.T, path, script string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), script); err != nil {
		t.Fatal(err)
	}
}

// version1 returns a state and an event with a value in every field of version 1.
func version1() (engine.State, task.Event) {
	at := func(hours int) time.Time { return start.Add(time.Duration(hours) * time.Hour) }
	text := func(s string) []byte { b, _ := hex.DecodeString(s); return b }
	reg, pack := numbered(1), "notes_8z2hq4k1ycxxt"
	process := task.Process{PID: 4711, Start: 998877, Boot: "0d4a3f0e-6c9d-4a9e-8f53-6a3f1f6a6d11"}
	token := task.LaunchToken(numbered(7))
	server := task.ClassServer{Executable: "/opt/notes/notes", Arguments: []string{"-serve", ""}, Dir: "/opt/notes", Classes: []task.GUID{numbered(5)}, Declared: "AppxManifest.xml:34"}
	occurrence := task.Occurrence{Number: 212, Due: at(1), Observed: at(2), Last: at(3), Count: 4, Missed: 17}
	run := task.Run{
		ID: numbered(6), TaskID: reg, Name: "SyncNotes", Package: pack, Occurrence: occurrence, Attempt: 2, Host: "launched", PID: 4711, Launch: token,
		Started: at(4), Entered: at(5), Ended: at(6), Progress: 100, ProgressAt: at(7), Outcome: task.Crashed, Reason: task.ReasonConditionLoss, Forced: true,
		Exit: "exit 3", Text: "no such host", Stderr: "panic: \xff",
	}
	counts := task.Counts{Runs: 209, ByOutcome: task.OutcomeCounts{0, 1, 2, 3, 4, 5, 6, 7, 8}, Missed: 17}
	ended := task.Ended{Number: 211, End: task.EndDone, At: at(8)}
	spec := task.Spec{
		Name: "SyncNotes", EntryPoint: numbered(5), Conditions: []task.Condition{task.InternetAvailable, task.OrUnknown(task.BatteryNotLow)},
		CancelOnConditionLoss: true, Group: "group",
		Retry: task.RetryPolicy{Attempts: 8, First: time.Second, Limit: time.Hour}, Misfire: task.Misfire{Policy: task.RunAll, Max: 9},
		Hold: task.Hold{AtMost: time.Hour, Then: task.RunAnyway}, Queue: 10, Exclusive: "store", RunLimit: 11 * time.Second,
		Command: &task.Command{Path: "/bin/x", Args: []string{"a", ""}, Dir: "/", Env: []string{"A=B"}, EnvFile: "/e", Umask: 0o22, Retry: true},
	}
	triggers := []task.Trigger{
		task.TimeTrigger{Freshness: time.Minute, OneShot: true}, task.MaintenanceTrigger{Freshness: time.Hour, OneShot: true},
		task.CalendarTrigger{Expr: "0 3 * * *", Zone: "Europe/Berlin", OneShot: true}, task.SystemTrigger{Type: task.OnUserAway, OneShot: true},
		task.ApplicationTrigger{}, task.CustomSystemEventTrigger{ID: "morning", Recurrence: task.Always},
		task.StorageLibraryContentChangedTrigger{Paths: []string{"/a", "/b"}, Settle: time.Second}, task.SocketActivityTrigger{Listen: "tcp:127.0.0.1:8080"},
		task.DeviceWatcherTrigger{Subsystem: "usb", Properties: map[string]string{"A": "1", "B": "2"}}, task.ToastNotificationActionTrigger{},
		task.PushNotificationTrigger{ApplicationID: "push"},
	}
	details := []task.Details{
		task.TimeTriggerDetails{Due: at(9), Missed: 3}, task.SystemTriggerDetails{Type: task.OnUserAway, Old: task.Present, New: task.Away},
		task.ApplicationTriggerDetails{Arguments: text("00ff")}, task.CustomSystemEventTriggerDetails{ID: "morning", Payload: text("01")},
		task.StorageLibraryContentChangedTriggerDetails{Paths: []string{"/a"}, Overflow: true}, task.SocketActivityTriggerDetails{Address: "unix:/s"},
		task.DeviceWatcherTriggerDetails{Action: "add", Device: "/devices/1", Properties: map[string]string{"C": "3"}},
		task.ToastNotificationActionTriggerDetails{Action: "open", ID: 12}, task.PushNotificationTriggerDetails{Content: text("02")},
		task.ManualDetails{Arguments: text("03")},
	}
	st := engine.State{
		Seq:   1,
		Clock: engine.Clock{Boot: process.Boot, Base: 1, Elapsed: 2, Wall: at(10), Behind: true, Login: 3},
		Packages: []engine.Package{{
			Package: task.Package{Family: pack, Name: "notes", Publisher: "CN=Ann", Version: "1.2.3.0", DisplayName: "Notes", Folder: "/opt/notes", LocalFolder: "/home/ann/notes",
				Implied: true, Servers: []task.ClassServer{server}, Classes: []task.GUID{numbered(5), numbered(8)}, Access: task.AlwaysAllowed, Warnings: []string{"w"}},
			Removing: true, KeepData: true,
		}},
		Ledgers: []engine.Ledger{{
			TaskID: reg,
			LedgerHot: engine.LedgerHot{State: engine.RegSuspended, Firing: 212, Grid: -1, GridWall: engine.UnixTimeOf(at(11)), Next: 2, Disarmed: true,
				Faults: 3, Tries: 4, Losses: 5, NotBefore: 6, Alone: true},
			LedgerCold: engine.LedgerCold{NextWall: at(12), Cause: engine.SuspendedByActivation, Since: at(13), Text: "why", Probe: 7, OnceIn: "login",
				LastEnd: ended, LastRun: &run, Counts: counts},
		}},
		Runs: []engine.Run{{
			ID: numbered(6), TaskID: reg, First: 210, Number: 212, Attempt: 2, State: engine.RunCanceling, Host: process, Token: token, Started: at(4), Entered: at(5),
			StartedAt: 1, EnteredAt: 2, Reason: task.ReasonUninstall, Final: true, CancelAt: 3, TimedOut: true, Failing: "f", Waived: true, Outdated: true, Limit: 4, SentAt: 5,
		}},
		Launches: []engine.Launch{{Token: token, Package: pack, Server: server, Process: process, State: engine.ServerUp, At: 1, Wall: at(14), Version: "1.2.3.0"}},
		Answers: []engine.Remembered{{Answer: engine.Answer{Request: numbered(9), At: 1, Code: "limit", Detail: "d", Hint: "h", Subject: "s", TaskID: reg, Number: 2,
			Change: engine.Updated, Tasks: []string{"t"}, Warnings: []string{"w"}, Access: task.DeniedByUser, Replaced: []task.GUID{numbered(10)}}}},
		Facts: []engine.LastingFact{{Name: task.FactTimeZone, Value: "+01:00"}},
	}
	for i, trigger := range triggers {
		spec.Trigger = trigger
		st.Registrations = append(st.Registrations, engine.Registration{TaskID: numbered(100 + i), Package: pack, Spec: spec, Registered: at(15), Order: uint64(i)})
	}
	for i, d := range details {
		st.Occurrences = append(st.Occurrences, engine.Occurrence{
			TaskID: reg, First: uint64(i), Number: 212, State: engine.OccLive, Count: 1, Missed: 2, Due: at(1), Observed: at(2), Last: at(3), FirstAt: 4, LastAt: 5, Details: d,
			By: engine.ByWatch, Waived: true, CatchUp: 6, Attempt: 7, Saved: &engine.Checkpoint{Data: text("04"), Number: 211, Version: "1.2"}, Tries: []task.Run{run},
		})
	}
	state := task.State{
		Phase: task.Held, Since: at(16), Reasons: []task.Reason{{Kind: task.WaitUnsure, Condition: task.DeviceIdle, Cause: task.CauseSourceGone, Until: at(17), Detail: "d"}},
		Waiting: 3, Next: at(18), NextKnown: true, Run: &run, Attempt: 4, Attempts: 5, Faults: 6, Fault: task.Crashed, Text: "t", Now: at(19),
	}
	spec.Command = nil
	return st, task.Event{
		Seq: 1, Kind: task.EventRegistered, Time: at(20), Boot: process.Boot, BootTime: 21, TaskID: reg, Package: pack, Name: "SyncNotes", State: &state,
		Occurrence: &occurrence, End: task.EndExpired, Run: &run, Missed: &task.Missed{First: at(21), Last: at(22), Count: 17, More: true, Cause: task.MissedAsleep, MadeUp: 23},
		Fact: &task.Fact{Name: "n", Value: "v", Source: "s", Detail: "d", Since: at(24), Cause: task.CauseNoSource, Overridden: true, Until: at(25), Real: "r", UsedBy: []string{"u"}},
		Old:  "old", Text: "text",
		Info: &task.Info{TaskID: reg, Package: pack, Spec: spec, Registered: at(15), State: state, LastEnd: &ended, LastRun: &run, Counts: counts, Warnings: []string{"w"},
			Server: "server", Declared: "declared", GridFrom: at(26)},
	}
}

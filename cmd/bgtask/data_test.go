package main

import (
	"time"

	"github.com/bgtask/bgtask/task"
)

// The day of the design's examples.
var (
	cet = time.FixedZone("CET", 3600)
	now = time.Date(2026, 11, 23, 14, 28, 20, 0, cet)
)

const (
	notes   = "notes_8z2hq4k1ycxxt"
	sample  = "SamplePackagedWinMainBackgroundApp_h91ms92gdsmmt"
	reports = "report_3b5c8x0v1yk2m"
)

var (
	syncID = task.MustGUID("3f2a90c1-5d0e-4b7a-9a61-0c6a7f1d2b33")
	tidyID = task.MustGUID("3f2b11aa-0000-4b7a-9a61-0c6a7f1d2b34")
)

// at is a time of that day; a date may go before it.
func at(clock string) time.Time {
	if len(clock) <= len("15:04:05.000") {
		clock = "2026-11-23 " + clock
	}
	t, err := time.ParseInLocation("2006-01-02 15:04:05", clock, cet)
	if err != nil {
		panic(err)
	}
	return t.UTC() // whatever the zone of a time, what is shown has one
}

func ran(o task.Outcome, started, ended string) *task.Run {
	return &task.Run{Outcome: o, Started: at(started), Entered: at(started), Ended: at(ended), Attempt: 1, Host: "launched"}
}

func syncNotes() task.Info {
	last := ran(task.Completed, "12:28:00", "12:28:01.2")
	return task.Info{
		TaskID: syncID, Package: notes,
		Spec: task.Spec{
			Name: "SyncNotes", EntryPoint: task.MustGUID("b0c5a6f2-6a1d-4c63-8f0e-7a5c5d3f9a11"), Trigger: task.TimeTrigger{Freshness: 30 * time.Minute},
			Conditions: []task.Condition{task.InternetAvailable, task.BatteryNotLow}, CancelOnConditionLoss: true,
			Retry: task.RetryPolicy{Attempts: 8, First: 30 * time.Second}, Exclusive: "store",
		},
		State: task.State{Phase: task.Held, Since: at("13:00:00"), Waiting: 3, Now: now,
			Reasons: []task.Reason{{Kind: task.WaitCondition, Condition: task.InternetAvailable}}},
		LastRun: last, Server: "notes", Declared: "AppxManifest.xml:34", GridFrom: at("2026-11-20 08:00:00"),
		Counts: task.Counts{Runs: 209, ByOutcome: task.OutcomeCounts{task.Completed: 203, task.Canceled: 5, task.Failed: 1}, Missed: 17},
	}
}

func report() task.Info {
	return task.Info{
		TaskID: task.MustGUID("7d1e0c42-1111-2222-3333-444455556666"), Package: reports,
		Spec:    task.Spec{Name: "report", Trigger: task.TimeTrigger{Freshness: 5 * time.Minute}},
		State:   task.State{Phase: task.Suspended, Since: at("13:24:02"), Faults: 5, Fault: task.ActivationFailed, Now: now},
		LastRun: &task.Run{Outcome: task.ActivationFailed, Started: at("13:24:00"), Ended: at("13:24:02")},
	}
}

func backup() task.Info {
	last := ran(task.RetryAsked, "14:24:05", "14:24:10")
	last.Outcome, last.Exit = task.Failed, "exit 3"
	return task.Info{
		TaskID: task.MustGUID("0aa10000-0000-4000-8000-000000000001"), Package: task.CommandPackage,
		Spec: task.Spec{
			Name: "backup", EntryPoint: task.CommandClass, Trigger: task.CalendarTrigger{Expr: "0 */2 * * *", Zone: "Europe/Berlin"},
			Conditions: []task.Condition{task.ACPower}, Hold: task.Hold{AtMost: 72 * time.Hour, Then: task.RunAnyway}, RunLimit: time.Hour,
			Misfire: task.Misfire{Policy: task.RunAll, Max: 3},
			Command: &task.Command{Path: "/usr/bin/restic", Args: []string{"backup", "/home/ann/my notes"}, Dir: "/home/ann",
				Env: []string{"HOME=/home/ann", "PATH=/usr/bin:/bin", "RESTIC_PASSWORD=secret word"}, Umask: 0o22, Retry: true},
		},
		State:   task.State{Phase: task.BackingOff, Since: at("14:24:10"), Next: at("14:32:10"), NextKnown: true, Attempt: 4, Attempts: 5, Waiting: 1, Now: now},
		LastRun: last,
		Counts:  task.Counts{Runs: 4, ByOutcome: task.OutcomeCounts{task.RetryAsked: 4}},
	}
}

func sampleTask() task.Info {
	last := ran(task.Canceled, "13:59:00", "14:08:20")
	return task.Info{
		TaskID: task.MustGUID("51a90000-0000-4000-8000-000000000001"), Package: sample,
		Spec: task.Spec{Name: "SampleTask", Trigger: task.TimeTrigger{Freshness: 15 * time.Minute}, Conditions: []task.Condition{task.InternetAvailable}},
		State: task.State{Phase: task.Running, Since: at("14:15:00"), Next: at("14:30:00"), NextKnown: true, Now: now,
			Run: &task.Run{Progress: 31204500, PID: 4711, Host: "the application", Started: at("14:15:00"), Entered: at("14:15:00")}},
		LastRun: last,
	}
}

func tidyCache() task.Info {
	return task.Info{
		TaskID: tidyID, Package: notes,
		Spec: task.Spec{Name: "TidyCache", Trigger: task.CalendarTrigger{Expr: "daily"}, Conditions: []task.Condition{task.ACPower, task.DeviceIdle},
			Hold: task.Hold{AtMost: 72 * time.Hour, Then: task.RunAnyway}},
		State:   task.State{Phase: task.Waiting, Next: at("2026-11-24 00:00:00"), NextKnown: true, Text: "its time", Now: now},
		LastRun: ran(task.Completed, "00:00:02", "00:00:16"),
	}
}

func allTasks() []task.Info {
	return []task.Info{sampleTask(), backup(), syncNotes(), tidyCache(), report()}
}

func someFacts() []task.Fact {
	return []task.Fact{
		{Name: task.FactInternet, Value: task.No, Source: "NetworkManager", Since: at("12:58:02"), UsedBy: []string{notes + "/SyncNotes"}},
		{Name: task.FactOnAC, Value: task.Yes, Source: "UPower", Since: at("11:20:40"), UsedBy: []string{"commands/backup", notes + "/TidyCache"}},
		{Name: task.FactSession, Source: "logind", Cause: task.CauseNoSource, Detail: "logind did not answer", Since: at("2026-11-21 09:12:00")},
		{Name: task.FactUser, Value: task.Present, Source: "logind", Real: task.Away, Overridden: true, Since: at("14:00:00"), UsedBy: []string{"greet_1/GreetUser"}},
	}
}

func someSources() []task.SourceState {
	return []task.SourceState{
		{Name: "NetworkManager", Status: task.SourceUp, Facts: []string{task.FactInternet}},
		{Name: "logind", Status: task.SourceGone, Detail: "logind did not answer", Remedy: "systemctl status systemd-logind", Facts: []string{task.FactSession, task.FactUser}},
		{Name: "notifications", Status: task.SourceNotHere, Detail: "there is no notification service on the session bus", Remedy: "log in to a desktop", Triggers: []string{"ToastNotificationActionTrigger"}},
	}
}

func somePackages() []task.Package {
	return []task.Package{
		{Family: sample, Version: "1.0.0.0", Folder: "/opt/sample", LocalFolder: "/home/ann/.local/state/bgtask/packages/" + sample + "/LocalFolder",
			Classes: []task.GUID{syncID}, Access: task.AllowedSubjectToSystemPolicy},
		{Family: task.CommandPackage, Access: task.AlwaysAllowed, Servers: []task.ClassServer{{Executable: "/usr/bin/bgtask", Classes: []task.GUID{task.CommandClass}}}},
		{Family: notes, Version: "2.1.0.0", Folder: "/home/ann/notes", Classes: []task.GUID{syncID, tidyID}, Access: task.DeniedByUser},
	}
}

func numbered(o *task.Run, number uint64, attempt, pid int, host string) *task.Run {
	o.Occurrence, o.Attempt, o.PID, o.Host = task.Occurrence{Number: number, Count: 1}, attempt, pid, host
	o.TaskID, o.Name, o.Package = syncID, "SyncNotes", notes
	return o
}

func someHistory() []task.Event {
	lost := ran(task.Canceled, "12:00:00", "12:00:01.4")
	lost.Reason = task.ReasonConditionLoss
	crash := ran(task.Crashed, "2026-11-22 23:00:00", "2026-11-22 23:00:05")
	crash.Exit = "signal killed"
	failed := &task.Run{Outcome: task.ActivationFailed, Started: at("2026-11-20 08:00:00"), Ended: at("2026-11-20 08:02:00"), Text: "the class was not registered within 120 s\nmore"}
	return []task.Event{
		over(numbered(ran(task.Completed, "12:30:04", "12:30:05.2"), 208, 1, 4711, "the application")),
		over(numbered(ran(task.Completed, "12:00:09", "12:00:09.9"), 207, 2, 4324, "launched")),
		over(numbered(lost, 207, 1, 4320, "launched")),
		{Kind: task.EventOccurrence, Occurrence: &task.Occurrence{Number: 206, Count: 1}, End: task.EndDone, Time: at("11:30:00"), TaskID: syncID, Name: "SyncNotes", Package: notes},
		{Kind: task.EventMissed, TaskID: syncID, Name: "SyncNotes", Package: notes, Time: at("11:00:00"),
			Missed: &task.Missed{First: at("03:00:00"), Last: at("11:00:00"), Count: 17, Cause: task.MissedAsleep, MadeUp: 205}},
		{Kind: task.EventOccurrence, Occurrence: &task.Occurrence{Number: 190, Count: 4}, End: task.EndExpired, Time: at("02:00:00"), TaskID: syncID, Name: "SyncNotes", Package: notes},
		over(numbered(crash, 189, 1, 4000, "launched")),
		over(numbered(failed, 188, 1, 0, "")),
	}
}

func over(r *task.Run) task.Event {
	return task.Event{Kind: task.EventEnded, Time: r.Ended, TaskID: r.TaskID, Name: r.Name, Package: r.Package, Run: r}
}

func someEvents() []task.Event {
	held := syncNotes().State
	running := task.Run{Host: "the application", PID: 4711, Attempt: 1, Occurrence: task.Occurrence{Number: 212, Count: 4}}
	completed := *ran(task.Completed, "14:30:31.06", "14:30:32.26")
	completed.Progress = 100
	of := func(seq uint64, kind task.EventKind, clock string) task.Event {
		return task.Event{Seq: seq, Kind: kind, Time: at(clock), TaskID: syncID, Name: "SyncNotes", Package: notes}
	}
	snapshot, synced := of(400, task.EventSnapshot, "14:29:00"), of(400, task.EventSynced, "14:29:00")
	info := syncNotes()
	snapshot.Info = &info
	fired := of(401, task.EventFired, "14:30:00.120")
	fired.Occurrence, fired.Text, fired.State = &task.Occurrence{Number: 212, Count: 4}, "by its timer", &held
	fact := task.Event{Seq: 401, Kind: task.EventFact, Time: at("14:30:31.044"), Old: task.No, Fact: &task.Fact{Name: task.FactInternet, Value: task.Yes, Source: "NetworkManager"}}
	run := of(403, task.EventRunning, "14:30:31.051")
	run.Run = &running
	progress := of(403, task.EventProgress, "14:30:32.000")
	progress.Run = &task.Run{Progress: 50}
	end := of(404, task.EventEnded, "14:30:32.260")
	end.Run = &completed
	occurrence := of(405, task.EventOccurrence, "14:30:32.260")
	occurrence.Occurrence, occurrence.End = &task.Occurrence{Number: 212, Count: 4}, task.EndDone
	missed := of(406, task.EventMissed, "15:00:00")
	missed.Missed = &task.Missed{First: at("14:31:00"), Last: at("14:59:00"), Count: 2, Cause: task.MissedClockStep}
	return []task.Event{snapshot, synced, fired, fact, run, progress, end, occurrence, missed}
}

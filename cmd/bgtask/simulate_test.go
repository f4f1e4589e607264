package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// foretold has a happening of each kind.
func foretold() task.Simulation {
	happens := func(h task.Happening) task.Happening {
		h.TaskID, h.Package, h.Name = syncID, notes, "SyncNotes"
		return h
	}
	ac := []task.Reason{{Kind: task.WaitCondition, Condition: task.ACPower}}
	day := 24 * time.Hour
	return task.Simulation{
		Now: now, From: now, Until: now.Add(7 * day),
		Facts: []task.Fact{{Name: task.FactInternet, Value: task.Yes}, {Name: task.FactUser}},
		Happenings: []task.Happening{
			happens(task.Happening{Kind: task.HappensRun, At: at("15:00:00"), Firings: 1, Attempt: 1, Ended: at("15:02:03"), Outcome: task.Completed}),
			happens(task.Happening{Kind: task.HappensRun, At: at("16:00:00"), Firings: 4, Attempt: 2, Ended: at("16:00:30"), Outcome: task.Canceled, Reason: task.ReasonConditionLoss,
				HeldSince: at("15:30:00"), HeldFor: append(ac, task.Reason{Kind: task.WaitSettle})}),
			happens(task.Happening{Kind: task.HappensRun, At: at("17:00:00"), Firings: 1, Attempt: 1, Ended: at("17:10:00"), Outcome: task.TimedOut, Reason: task.ReasonExecutionTimeExceeded}),
			happens(task.Happening{Kind: task.HappensRun, At: at("18:00:00"), Firings: 1, Attempt: 1, Ended: at("18:00:00"), Outcome: task.ActivationFailed, Text: "no class server declares class 7"}),
			happens(task.Happening{Kind: task.HappensSuspend, At: at("18:00:00"), Text: "no class server declares class 7"}),
			happens(task.Happening{Kind: task.HappensMissed, At: at("19:00:00"), Missed: &task.Missed{First: at("19:00:00"), Last: at("20:00:00"), Count: 5, Cause: task.MissedHeld}}),
			happens(task.Happening{Kind: task.HappensEnd, At: at("21:00:00").Add(day), End: task.EndExpired, Firings: 2, HeldSince: at("20:00:00"), HeldFor: ac}),
			happens(task.Happening{Kind: task.HappensHeld, At: at("22:00:00").Add(day), Firings: 3, HeldSince: at("22:00:00").Add(day), HeldFor: ac}),
			happens(task.Happening{Kind: task.HappensRun, At: at("23:00:00").Add(6 * day), Firings: 1, Attempt: 1}),
		},
		Tasks: []task.Prospect{
			{TaskID: syncID, Package: notes, Name: "SyncNotes", Runs: 5, Counts: task.Counts{Runs: 4, Missed: 5}, Expired: 1, Held: 90 * time.Hour, Lasts: 123 * time.Second, LastsOf: 25,
				State: task.State{Phase: task.Held, Since: at("22:00:00").Add(day), Reasons: ac}},
			{TaskID: task.GUID{9}, Package: notes, Name: "OnEvent", State: task.State{Phase: task.Waiting, Text: `event "x"`}},
			{TaskID: task.GUID{8}, Package: notes, Name: "New", Runs: 1, Lasts: time.Second, State: task.State{Phase: task.Waiting, Text: "its time"}},
		},
	}
}

func TestSimulateShows(t *testing.T) {
	var b strings.Builder
	run := func(s term.Screen, edit func(*fake), args ...string) {
		f := fixed()
		f.simulation = foretold()
		edit(f)
		b.WriteString(transcript(f, s, append([]string{"simulate"}, args...)...))
	}
	asIs := func(*fake) {}
	wide := tty
	wide.Width = 140
	run(wide, asIs, "--with", "on-ac=no 09:00-11:00", "--with", "user=away")
	run(term.Screen{}, asIs, "--run", "10m")
	run(wide, func(f *fake) { f.simulation.Stopped = "more happens than the 10000 lines that a simulation may have" }, "SyncNotes")
	run(wide, func(f *fake) { f.simulation.Happenings, f.simulation.Facts = nil, nil })
	run(wide, func(f *fake) { f.simulation = task.Simulation{} })
	run(term.Screen{}, func(f *fake) {
		f.simulation.Happenings = f.simulation.Happenings[1:2]
		f.simulation.Tasks = f.simulation.Tasks[:1]
	}, "--json")
	golden(t, "simulate.txt", b.String())
}

func TestSimulateRefuses(t *testing.T) {
	var b strings.Builder
	for _, args := range [][]string{
		{"--with", "on-ac"}, {"--with", "onac=no"}, {"--with", "on-ac=maybe"}, {"--with", "battery=81"}, {"--with", "on-ac=no 9-11"}, {"--with", "on-ac=no 11:00-11:00"},
		{"--with", "on-ac=no Mo..Fr 09:00-11:00"}, {"--with", "on-ac=no Mon 9"}, {"--with", "on-ac=no .."}, {"--with", "on-ac=no 2026-12-01T12:00..2026-12-01T10:00"},
		{"--with", "on-ac=no 2026-12-01T12:00..soon"}, {"--with", ""},
		{"--from", "yesterday"}, {"--from", "2020-01-01"}, {"--for", "2y"}, {"--for", "400d"}, {"--from", "300d", "--for", "100d"}, {"--run", "0s"}, {"NoSuch"}, {"--with", "on-ac=no", "--with", "user=afar"},
	} {
		b.WriteString(transcript(fixed(), term.Screen{}, append([]string{"simulate"}, args...)...))
	}
	golden(t, "simulate-refused.txt", b.String())
}

func TestSimulateAsks(t *testing.T) {
	ask := func(args ...string) wire.SimulateQuery {
		f := fixed()
		transcript(f, term.Screen{}, append([]string{"simulate"}, args...)...)
		return f.simulated
	}
	today := func(clock string, days int) time.Time { return at(clock).AddDate(0, 0, days) }
	for _, test := range []struct {
		args string
		want wire.SimulateQuery
	}{
		{"", wire.SimulateQuery{Until: now.Add(7 * 24 * time.Hour)}},
		{"--for|1d|--run|10m|SyncNotes", wire.SimulateQuery{Until: now.Add(24 * time.Hour), RunFor: 10 * time.Minute, TaskIDs: []task.GUID{syncID}}},
		{"--from|2h|--for|1h", wire.SimulateQuery{From: now.Add(2 * time.Hour), Until: now.Add(3 * time.Hour)}},
		{"--from|09:00|--for|1h", wire.SimulateQuery{From: today("09:00:00", 1), Until: today("10:00:00", 1)}},
		{"-p|notes|--for|1d", wire.SimulateQuery{Until: now.Add(24 * time.Hour), Package: notes}},
		{"--for|1h|--with|internet=no|--with|user=unknown 00:00-24:00", wire.SimulateQuery{Until: now.Add(time.Hour),
			Suppose: []task.Supposition{{Fact: "internet", Value: task.No}, {Fact: "user", From: today("00:00:00", 0), Until: today("00:00:00", 1)}}}},
	} {
		got := ask(strings.FieldsFunc(test.args, func(r rune) bool { return r == '|' })...)
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("simulate %s asks (-want +got):\n%s", test.args, d)
		}
	}
}

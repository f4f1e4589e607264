package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// testdata is absolute: some tests work elsewhere.
var testdata, _ = filepath.Abs("testdata")

// golden compares got with testdata/golden/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join(testdata, "golden", name)
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

// noPID is no process: it is above the most that Linux gives.
const noPID = 1<<22 + 1

func fixed() *fake {
	return &fake{
		status: task.Status{Version: version(), PID: noPID, Started: now.Add(-75 * time.Hour), StartedBy: "systemd socket", StoreSize: 4299162,
			Checks: []task.Check{{Level: task.CheckWarn, Subject: "linger", Text: "tasks stop when you log out.", Fix: "loginctl enable-linger ann"}}},
		tasks: allTasks(), facts: someFacts(), sources: someSources(), packages: somePackages(), history: someHistory(),
		watched: someEvents(), number: 213,
		why: task.Explanation{At: now, Info: syncNotes(), Fired: 3, First: at("13:00:00"), Last: at("14:00:00"), By: "its timer",
			Needs: []task.NeedState{{Condition: task.InternetAvailable, Verdict: task.Fails,
				Facts: []task.Fact{{Name: task.FactInternet, Value: task.No, Source: "NetworkManager", Detail: "limited", Since: at("12:58:20")}}}},
			Would: []string{"internet=yes"}},
		output: []task.Output{
			{Launch: &task.Launch{Package: notes, Server: "notes", PID: 4320, Started: at("12:00:00"), Ended: at("12:00:02"), Exit: "exit 3", Cut: true}},
			{Data: []byte("one\n")}, {Data: []byte("two \xff\n")},
		},
		done: wire.Registered{TaskID: syncID, Change: wire.Added, Warnings: []string{"nobody knows user here"}},
	}
}

// appOn is the command line on a screen of the test's, on the day of the examples.
func appOn(f *fake, on *term.Terminal) *app {
	on.Now, on.Zone = func() time.Time { return now }, cet
	return &app{Env: &verb.Env{Terminal: on, Broker: f, Version: version()}}
}

// transcript is what a command line prints and how it ends.
func transcript(f *fake, s term.Screen, args ...string) string {
	var out, errs bytes.Buffer
	a := appOn(f, &term.Terminal{Stdin: strings.NewReader("from stdin"), Stdout: &out, Stderr: &errs, Screen: s})
	code := a.run(testContext, args)
	var b strings.Builder
	fmt.Fprintf(&b, "$ bgtask %s\n%s", strings.Join(args, " "), out.String())
	if errs.Len() > 0 {
		fmt.Fprintf(&b, "stderr:\n%s", errs.String())
	}
	if code != 0 {
		fmt.Fprintf(&b, "exit %d\n", code)
	}
	for _, asked := range f.asked {
		fmt.Fprintf(&b, "asked: %s\n", asked)
	}
	return b.String() + "\n"
}

var (
	tty    = term.Screen{Terminal: true}
	colors = term.Screen{Terminal: true, Color: true}
	narrow = term.Screen{Terminal: true, Width: 60}
	pipe   = term.Screen{}
)

// shown are the verbs that change nothing: on a terminal as in the design, and in a
// file whole, in absolute times.
var shown = [][]string{
	{}, {"list", "-q"}, {"list", "--state", "held,backing-off"}, {"-p", "notes"}, {"show", "SyncNotes"}, {"show", "backup"}, {"why", "3f2a"},
	{"facts"}, {"history", "SyncNotes", "-n", "4"}, {"history", "-n", "0"}, {"watch", "SyncNotes"}, {"doctor"}, {"packages"}, {"access"},
	{"access", "notes"}, {"logs", "SyncNotes"},
}

func TestText(t *testing.T) {
	for name, s := range map[string]term.Screen{"terminal.txt": tty, "file.txt": pipe, "colors.txt": colors, "narrow.txt": narrow} {
		var b strings.Builder
		for _, args := range shown {
			b.WriteString(transcript(fixed(), s, args...))
		}
		golden(t, name, strings.ReplaceAll(b.String(), "\x1b", "␛"))
	}
}

func TestJSON(t *testing.T) {
	var b strings.Builder
	for _, args := range append(shown, changes...) {
		if len(args) > 0 && args[0] == "list" && args[1] == "-q" {
			continue
		}
		var out bytes.Buffer
		a := appOn(fixed(), &term.Terminal{Stdin: strings.NewReader(""), Stdout: &out, Stderr: new(bytes.Buffer)})
		a.run(testContext, append([]string{"--json"}, args...))
		fmt.Fprintf(&b, "$ bgtask --json %s\n", strings.Join(args, " "))
		for line := range strings.Lines(out.String()) {
			b.WriteString(indented(t, line))
		}
	}
	golden(t, "json.txt", b.String())
}

// indented also holds what every line of JSON promises: an object with the
// version first, and no list that is null.
func indented(t *testing.T, line string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(line), "", "  "); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	if !strings.HasPrefix(line, `{"version":1,`) {
		t.Errorf("no version: %s", line)
	}
	if strings.Contains(line, "secret word") && !strings.Contains(line, `"task":{`) {
		t.Errorf("the environment of a command is printed: %s", line)
	}
	return b.String()
}

// changes are the verbs that change something.
var changes = [][]string{
	{"fire", "SyncNotes"}, {"fire", "SyncNotes", "--now", "--arg", "hi"}, {"fire", "SyncNotes", "--arg-file", "-"}, {"fire", "SampleTask"},
	{"raise", "morning", "--payload", "x"},
	{"toast", "The build failed", "12 tests", "--tag", "build", "--action", "log=Show the log", "--reply", "Answer", "--urgency", "low"}, {"toast", "--hide", "7"}, {"push", "SyncNotes"}, {"cancel", "SampleTask"}, {"cancel", "SampleTask", "--reason", "idletask", "--kill"},
	{"resume", "report"}, {"remove", "SampleTask"}, {"remove", "SampleTask", "--cancel"}, {"facts", "override", "internet=no", "--for", "90s"},
	{"facts", "override", "internet=unknown"}, {"facts", "clear", "internet"}, {"facts", "clear"},
	{"install", "/opt/sample"}, {"uninstall", "SamplePackagedWinMainBackgroundApp", "--keep-data"}, {"uninstall", notes},
	{"access", "notes", "allow"}, {"access", "notes", "deny"}, {"access", "notes", "reset"}, {"access", "commands", "reset"}, {"daemon", "stop", "--within", "5s"},
}

func TestChanges(t *testing.T) {
	var b strings.Builder
	for _, args := range changes {
		b.WriteString(transcript(fixed(), tty, args...))
	}
	golden(t, "changes.txt", b.String())
}

// refusals are command lines that change nothing.
var refusals = [][]string{
	{"lst"}, {"frobnicate"}, {"list", "--state", "hold"}, {"list", "extra"}, {"-p", "nosuch"}, {"completion", "bsh"}, {"--frob"}, {"version", "-q"}, {"show", ""}, {"show"}, {"show", "SyncNote"}, {"show", "id:3f"}, {"show", "id:dead"},
	{"show", "zzz"}, {"show", "3f2"}, {"why", "notes/SyncNotess"}, {"-p", "commands", "show", "SyncNotes"}, {"why", "--frob"}, {"cancel", "backup", "--reason", "Bored"},
	{"watch", "--until", "finished"}, {"history", "--outcome", "good"}, {"history", "--since", "yesterdayish"}, {"history", "-n", "-1"}, {"facts", "overide", "x=y"}, {"facts", "set", "--help"}, {"raise", "-p", "notes", "x"},
	{"facts", "override", "internet"}, {"facts", "override", "internet=maybe"}, {"facts", "override", "internet=no", "--for", "0s"}, {"uninstall", "commands"}, {"uninstall", "note"}, {"access", "notes", "maybe"},
	{"fire", "backup", "--arg", "a", "--arg-file", "b"}, {"fire", "backup", "--arg-file", "/nowhere/at/all"}, {"fire", "backup", "--timeout", "soon"}, {"logs", "SyncNotes", "--run", "beef"},
	{"logs", "backup", "-n", "-2"},
	{"toast"}, {"toast", "a", "b", "c"}, {"toast", " "}, {"toast", "t", "--action", "log"}, {"toast", "t", "--action", "default=x"}, {"toast", "t", "--urgency", "loud"}, {"toast", "t", "--hide", "3"}, {"toast", "t", "--reply", "a\nb"},
}

func TestRefusals(t *testing.T) {
	var b strings.Builder
	for _, args := range refusals {
		f := fixed()
		got := transcript(f, tty, args...)
		if len(f.asked) > 0 {
			t.Errorf("bgtask %v: it asked the broker for %v", args, f.asked)
		}
		if !strings.Contains(got, "\nexit 2\n") && !strings.Contains(got, "\nexit 3\n") {
			t.Errorf("bgtask %v is not refused:\n%s", args, got)
		}
		b.WriteString(got)
	}
	golden(t, "refusals.txt", b.String())
}

func TestErrorsAreThreeLinesAtMost(t *testing.T) {
	for _, args := range refusals {
		got := transcript(fixed(), tty, args...)
		_, errs, _ := strings.Cut(got, "stderr:\n")
		errs, _, _ = strings.Cut(errs, "exit ")
		if n := strings.Count(errs, "\n"); n < 1 || n > 3 || !strings.HasPrefix(errs, "bgtask: ") {
			t.Errorf("bgtask %v: %d lines:\n%s", args, n, errs)
		}
	}
}

func TestJSONOfErrors(t *testing.T) {
	for _, args := range refusals {
		var out, errs bytes.Buffer
		a := appOn(fixed(), &term.Terminal{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs})
		code := a.run(testContext, append(args, "--json"))
		var answer struct {
			Version int
			Error   struct{ Code, Message, Hint string }
		}
		if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
			t.Errorf("bgtask %v --json: %v in %s", args, err, out.String())
		}
		if code == 0 || errs.Len() > 0 || answer.Version != 1 || answer.Error.Code == "" || answer.Error.Code == "internal" || answer.Error.Message == "" {
			t.Errorf("bgtask %v --json: exit %d, %s, stderr %q", args, code, out.String(), errs.String())
		}
	}
}

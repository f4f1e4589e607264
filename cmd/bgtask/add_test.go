package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bgtask/bgtask/task"
)

// workshop is a directory with a program, in which add is called.
func workshop(t *testing.T) string {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"restic": 0o755, "data": 0o644, "env": 0o600} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "LC_") || name == "LANGUAGE" {
			t.Setenv(name, "") // and back after the test
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Setenv("PATH", dir)
	t.Setenv("HOME", "/home/ann")
	t.Setenv("LANG", "C.UTF-8")
	t.Setenv("LC_TIME", "de_DE.UTF-8")
	t.Setenv("DISPLAY", ":0")
	t.Setenv("SSH_AUTH_SOCK", "/run/agent")
	return dir
}

var additions = [][]string{
	{"add", "backup", "--every", "6h", "--when", "internet,on-ac", "--limit", "1h", "--retry", "5", "--", "restic", "backup", "/home/ann"},
	{"add", "--every", "1d12h", "--hold", "3d:run", "--misfire", "all:3", "--exclusive", "disk", "--cancel-on-loss", "--", "./restic", "|"},
	{"add", "--in", "20m", "--", "restic"},
	{"add", "--at", "2026-12-01 09:00", "--", "restic"},
	{"add", "--at", "2026-12-01T09:00:00+01:00", "--", "restic"},
	{"add", "--at", "14:00", "--", "restic"},
	{"add", "--calendar", "Mon..Fri 09:00 Europe/Berlin", "--hold", "90m", "--misfire", "skip", "--", "restic"},
	{"add", "--calendar", "0 9 * * 1-5", "--", "restic"},
	{"add", "--on", "internet", "--", "restic"},
	{"add", "--on", "event:morning", "--replace", "--", "restic", "-v"},
	{"add", "--on", "path:.", "--", "restic"},
	{"add", "--on", "socket:tcp:127.0.0.1:8080", "--", "restic"}, {"add", "--on", "socket:unix:s", "--", "restic"}, {"add", "--on", "device:usb", "--", "restic"}, {"add", "--on", "device:usb,ID_VENDOR_ID=046d,ID_MODEL_ID=c52b", "--", "restic"},
	{"add", "--on", "toast", "--", "restic"}, {"add", "--on", "push", "--", "restic"}, {"add", "--on", "toast:build", "--", "restic"},
	{"add", "notes of ann", "--env", "A=b=c", "--env", "LANG=de", "--env-file", "env", "--dir", "/", "--", "restic", "-rf", "--", "x y"},
}

func TestAdd(t *testing.T) {
	dir := workshop(t)
	var b strings.Builder
	for _, args := range additions {
		if args[len(args)-1] == "|" {
			args = args[:len(args)-1]
		}
		f := fixed()
		b.WriteString(transcript(f, tty, args...))
		f.spec.Command.Umask = 0o22 // this process's may be another
		spec, err := json.Marshal(f.spec)
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(indented(t, `{"version":1,"task":`+string(spec)+"}\n"))
	}
	golden(t, "add.txt", strings.ReplaceAll(b.String(), dir, "$WORK"))
}

var addRefusals = [][]string{
	{"add"}, {"add", "backup", "--every", "6h"}, {"add", "backup", "--every", "6h", "--"}, {"add", "my", "backup", "--", "restic"}, {"add", "--", "resticc"},
	{"add", "--", "restic backup"}, {"add", "--", "./data"}, {"add", "--", "./nothing"}, {"add", "--", ""},
	{"add", "--every", "6h", "--calendar", "daily", "--", "restic"}, {"add", "--every", "6h", "--in", "1h", "--at", "09:00", "--", "restic"},
	{"add", "--every", "often", "--", "restic"}, {"add", "--every", "-6h", "--", "restic"}, {"add", "--every", "60y", "--", "restic"}, {"add", "--every", "99999d", "--", "restic"},
	{"add", "--at", "2020-01-01 00:00", "--", "restic"}, {"add", "--at", "2099-01-01 00:00", "--", "restic"}, {"add", "--at", "2026-02-30 09:00", "--", "restic"}, {"add", "--at", "tomorrow", "--", "restic"},
	{"add", "--calendar", "Feb 30", "--", "restic"}, {"add", "--calendar", "*-02-30 09:00", "--", "restic"}, {"add", "--calendar", "61 * * * *", "--", "restic"},
	{"add", "--calendar", "daily Europe/Berlim", "--", "restic"},
	{"add", "--when", "internet,no-internet", "--", "restic"}, {"add", "--when", "internt", "--", "restic"}, {"add", "--when", "weekend", "--", "restic"},
	{"add", "--on", "sms", "--", "restic"}, {"add", "--on", "servicing-complete", "--", "restic"}, {"add", "--on", "location", "--", "restic"},
	{"add", "--on", "intrnet", "--", "restic"}, {"add", "--on", "event:", "--", "restic"}, {"add", "--on", "path:", "--", "restic"}, {"add", "--on", "path:/no/such", "--", "restic"},
	{"add", "--on", "socket:8080", "--", "restic"}, {"add", "--on", "socket:unix:", "--", "restic"}, {"add", "--on", "socket:tcp:0.0.0.0:80", "--", "restic"},
	{"add", "--on", "device:", "--", "restic"}, {"add", "--on", "device:usb,ID_VENDOR_ID", "--", "restic"}, {"add", "--on", "device:usb,A=1,A=2", "--", "restic"}, {"add", "--on", "toast:", "--", "restic"},
	{"add", "--", "restic", "backup", "|", "tee", "log"}, {"add", "--", "restic", "&&", "true"}, {"add", "--", "restic", ">", "my log"},
	{"add", "--hold", "long", "--", "restic"}, {"add", "--hold", "3d:keep", "--", "restic"}, {"add", "--misfire", "all", "--", "restic"}, {"add", "--misfire", "twice", "--", "restic"},
	{"add", "--retry", "-1", "--", "restic"}, {"add", "--retry", "100000", "--", "restic"}, {"add", "--dir", "/no/such", "--", "restic"}, {"add", "--dir", "data", "--", "restic"},
	{"add", "--env", "X", "--", "restic"}, {"add", "--env", "DISPLAY=:1", "--", "restic"}, {"add", "--env", "BGTASK_TASK=x", "--", "restic"}, {"add", "--env-file", "none", "--", "restic"},
	{"add", "", "--", "restic"}, {"add", " ", "--", "restic"}, {"add", " lead", "--", "restic"}, {"add", "--retry", "0", "--", "restic"}, {"add", "--retry", "many", "--", "restic"},
	{"add", "--on", "push:x", "--", "restic"}, {"add", "a/b", "--", "restic"}, {"add", "--evry", "6h", "--", "restic"},
	{"add", "--when", "internt", "--on", "sms", "--misfire", "twice", "--", "resticc"},
}

func TestAddRefuses(t *testing.T) {
	dir := workshop(t)
	var b strings.Builder
	for _, args := range addRefusals {
		f := fixed()
		got := transcript(f, tty, args...)
		b.WriteString(got)
		if len(f.asked) > 0 || !strings.Contains(got, "\nexit 2\n") || !strings.Contains(got, "\n  hint: ") {
			t.Errorf("bgtask %v is not refused with a hint (the broker was asked for %v):\n%s", args, f.asked, got)
		}
		if strings.Count(got, "\n") > 7 {
			t.Errorf("more than three lines:\n%s", got)
		}
	}
	golden(t, "add-refusals.txt", strings.ReplaceAll(b.String(), dir, "$WORK"))
}

func TestAddTellsWhatTheBrokerRefuses(t *testing.T) {
	workshop(t)
	policy := &task.Error{Op: "register", Subject: "restic", Err: task.ErrInvalid, Detail: "an interval of 10s is below the smallest allowed here, 1 min"}
	taken := &task.Error{Op: "register", Subject: "restic", Err: task.ErrConflict, Detail: "the name is taken"}
	limit := &task.Error{Op: "register", Subject: "restic", Err: task.ErrLimit, Detail: "the package has 10,000 tasks", Hint: "remove some"}
	denied := &task.Error{Op: "register", Subject: "commands", Err: task.ErrAccessDenied, Detail: "it may not", Hint: "bgtask access commands allow"}
	var b strings.Builder
	for _, err := range []error{policy, taken, limit, denied} {
		f := fixed()
		f.refused = err
		b.WriteString(transcript(f, tty, "add", "--every", "10s", "--", "restic"))
	}
	golden(t, "add-refused.txt", b.String())
}

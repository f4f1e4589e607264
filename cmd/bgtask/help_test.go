package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
)

// TestHelp shows the help of every verb in 80 columns.
func TestHelp(t *testing.T) {
	var b strings.Builder
	var visit func(c *cobra.Command, path []string)
	visit = func(c *cobra.Command, path []string) {
		got := transcript(fixed(), term.Screen{Terminal: true, Width: 80}, append(path, "--help")...)
		for line := range strings.Lines(got) {
			if n := term.Columns(strings.TrimSuffix(line, "\n")); n > 80 && !strings.HasPrefix(line, "\t") {
				t.Errorf("%d columns: %s", n, line)
			}
		}
		b.WriteString(got)
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() && c.Name() != "completion" { // those are cobra's
				visit(sub, append(path[:len(path):len(path)], sub.Name()))
			}
		}
	}
	visit(newRoot(appOn(fixed(), &term.Terminal{})), nil)
	golden(t, "help.txt", b.String())
}

// TestEveryVerbHasAGroup holds the table of the verbs in 'bgtask help' complete.
func TestEveryVerbHasAGroup(t *testing.T) {
	for _, c := range newRoot(appOn(fixed(), &term.Terminal{})).Commands() {
		if c.IsAvailableCommand() && c.GroupID == "" {
			t.Errorf("the verb %s is in no group: add it to groups in verbs.go", c.Name())
		}
	}
}

// full is a disk without space.
type full struct{}

var errFull = errors.New("no space left on device")

func (full) Write([]byte) (int, error) { return 0, errFull }

// TestLostOutputIsAnError tries every verb that shows something on a full disk.
func TestLostOutputIsAnError(t *testing.T) {
	for _, args := range append(shown, []string{"--help"}, []string{"help", "list"}, []string{"version"}, []string{"completion", "bash"}, []string{"list", "--json"}, []string{"why", "SyncNotes", "--json"}) {
		var errs bytes.Buffer
		code := appOn(fixed(), &term.Terminal{Stdin: strings.NewReader(""), Stdout: full{}, Stderr: &errs}).run(testContext, args)
		if code != 1 || !strings.Contains(errs.String(), "bgtask: cannot write to standard output: no space left on device\n") {
			t.Errorf("bgtask %v: exit %d, %q", args, code, errs.String())
		}
	}
}

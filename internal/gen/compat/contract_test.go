package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/task"
)

func semantics(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../doc/SEMANTICS.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestContractIsCurrent(t *testing.T) {
	have := semantics(t)
	want, err := contract(have)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(have, want); d != "" {
		t.Errorf("a list of doc/SEMANTICS.md is out of date. Run: go generate ./task\n%s", d)
	}
}

// TestContractSaysWhatFollows checks that the contract has a row for each outcome and
// end. The tables only name them; the contract describes what follows from them.
func TestContractSaysWhatFollows(t *testing.T) {
	text := semantics(t)
	for _, row := range task.Outcomes() {
		if name := pascal(row.Name); !strings.Contains(text, "| "+name) && !strings.Contains(text, "| Failed("+name+")") {
			t.Errorf("doc/SEMANTICS.md, section 5, has no outcome %s. Add the row: | %s | when | then the occurrence |", name, name)
		}
	}
	for _, row := range task.Reasons() {
		if !strings.Contains(text, row.Name+" is never sent") && !inOutcomes(text, row.Name) {
			t.Errorf("doc/SEMANTICS.md, section 5, does not say what follows from the reason %s. Add it to a row of Canceled or TimedOut", row.Name)
		}
	}
	_, list, _ := strings.Cut(text, "ends in exactly one recorded end (")
	list, _, _ = strings.Cut(list, ")")
	for _, e := range task.Ends() {
		if name := pascal(e.String()); !strings.Contains(", "+list+",", ", "+name+",") {
			t.Errorf("doc/SEMANTICS.md, section 6, does not list the end %s: %q", name, list)
		}
	}
}

// inOutcomes reports whether a row of the table of outcomes names the reason.
func inOutcomes(text, reason string) bool {
	for line := range strings.Lines(text) {
		if (strings.HasPrefix(line, "| Canceled(") || strings.HasPrefix(line, "| TimedOut")) && strings.Contains(line, reason) {
			return true
		}
	}
	return false
}

// pascal converts words to a Go constant's name: "gave up" becomes "GaveUp".
func pascal(words string) (name string) {
	for word := range strings.FieldsSeq(words) {
		name += strings.ToUpper(word[:1]) + word[1:]
	}
	return name
}

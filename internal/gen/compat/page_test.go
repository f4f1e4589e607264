package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/task"
)

func TestPageIsCurrent(t *testing.T) {
	have, err := os.ReadFile("../../../doc/COMPATIBILITY.md")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(have), string(page())); d != "" {
		t.Errorf("doc/COMPATIBILITY.md is old; run go generate ./task:\n%s", d)
	}
}

// TestTablesAreWhole: nothing of Windows is left without an answer.
func TestTablesAreWhole(t *testing.T) {
	for _, r := range task.Reasons() {
		if sent[r] == "" {
			t.Errorf("%v is sent nobody knows when", r)
		}
	}
	for _, c := range task.SystemConditions() {
		for _, n := range c.Needs {
			if sources[n.Fact] == "" {
				t.Errorf("%s needs %s, which nobody reports", c.Name, n.Fact)
			}
		}
	}
	for _, r := range task.SystemTriggerTypes() {
		if r.Fact != "" && sources[r.Fact] == "" {
			t.Errorf("%s needs %s, which nobody reports", r.Name, r.Fact)
		}
	}
	told := map[task.AccessStatus]bool{}
	for _, r := range accessRows {
		told[r.status] = true
	}
	for a := task.AccessUnspecified; a <= task.DeniedByUser; a++ {
		if (a.String() != "") != told[a] {
			t.Errorf("access status %d (%v): told is %v", a, a, told[a])
		}
	}
	seen := map[string]bool{}
	for _, m := range members {
		if m.here == "" || seen[m.windows] {
			t.Errorf("%s has no answer, or two", m.windows)
		}
		seen[m.windows] = true
	}
}

// TestTablesAreRectangular: a cell with a bar in it would break the page.
func TestTablesAreRectangular(t *testing.T) {
	columns := 0
	for i, line := range strings.Split(string(page()), "\n") {
		if !strings.HasPrefix(line, "|") {
			columns = 0
			continue
		}
		n := strings.Count(line, "|")
		if columns != 0 && n != columns {
			t.Errorf("line %d has %d bars, want %d: %s", i+1, n, columns, line)
		}
		columns = n
	}
}

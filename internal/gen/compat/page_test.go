package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPageIsCurrent(t *testing.T) {
	have, err := os.ReadFile("../../../doc/COMPATIBILITY.md")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(have), string(page())); d != "" {
		t.Errorf("doc/COMPATIBILITY.md is out of date. Run: go generate ./task:\n%s", d)
	}
}

// TestMembersAreWhole checks that every member of Windows' API has exactly one answer.
func TestMembersAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range members {
		if m.here == "" || seen[m.windows] {
			t.Errorf("%s has no answer, or two", m.windows)
		}
		seen[m.windows] = true
	}
}

// TestTablesAreRectangular checks that no cell contains a bar, which would break the
// page.
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

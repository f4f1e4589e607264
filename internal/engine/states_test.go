package engine

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestMovesAreTheContracts compares the engine's tables with the table in section 9 of
// doc/SEMANTICS.md, in both directions.
func TestMovesAreTheContracts(t *testing.T) {
	contract := readMoves(t)
	check(t, contract["Registration"], regNames, regMoves)
	check(t, contract["Occurrence"], occNames, occMoves)
	check(t, contract["Run"], runNames, runMoves)
	check(t, contract["Host"], hostNames, hostMoves)
	check(t, contract["Class server"], serverNames, serverMoves)
}

func check[S ~uint8](t *testing.T, contract map[string][]string, names []string, moves [][]S) {
	t.Helper()
	for from, name := range names {
		var have []string
		for _, to := range moves[from] {
			have = append(have, names[to])
		}
		want := contract[name]
		slices.Sort(have)
		slices.Sort(want)
		if !slices.Equal(have, want) {
			t.Errorf("from %s: the engine has %v, the contract %v", name, have, want)
		}
	}
	if len(contract) == 0 {
		t.Error("the contract's table was not found")
	}
}

var inBrackets = regexp.MustCompile(`\([^()]*\)`)

// readMoves reads rows such as "| Run | Starting (admitted) | Sent (class ready); Ended(ActivationFailed, Canceled) |".
func readMoves(t *testing.T) map[string]map[string][]string {
	text, err := os.ReadFile("../../doc/SEMANTICS.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## 9. States")
	section, _, _ = strings.Cut(section, "## 10.")
	moves := map[string]map[string][]string{}
	of := ""
	for _, line := range strings.Split(section, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 5 || strings.HasPrefix(line, "|-") || strings.Contains(line, "| of |") {
			continue
		}
		if name := strings.TrimSpace(cells[1]); name != "" {
			of = name
			moves[of] = map[string][]string{}
		}
		to := inBrackets.ReplaceAllString(strings.Join(cells[3:len(cells)-1], "|"), "")
		for _, from := range strings.Split(inBrackets.ReplaceAllString(cells[2], ""), ",") {
			moves[of][strings.TrimSpace(from)] = targets(to)
		}
	}
	return moves
}

// targets finds the states in a cell: words that begin with a capital, or "gone".
// "stays Up" and "merged into" are not moves.
func targets(cell string) []string {
	var all []string
	for _, part := range strings.Split(cell, ";") {
		part = strings.TrimSpace(part)
		if strings.HasPrefix(part, "stays") || strings.HasPrefix(part, "merged") || strings.HasPrefix(part, "no launch") {
			continue
		}
		for _, word := range strings.Split(part, ",") {
			word = strings.TrimSpace(word)
			if word != "" && !slices.Contains(all, word) {
				all = append(all, word)
			}
		}
	}
	return all
}

// TestIllegalMoveIsADefect checks that a move outside the tables is a defect, which Step
// returns.
func TestIllegalMoveIsADefect(t *testing.T) {
	w := newWorld(t)
	w.run("package app class=A")
	w.run("register Sample event=x")
	for _, r := range w.e.regs {
		r.State = RegGone
		w.e.todo = append(w.e.todo, work{})
		func() {
			defer func() {
				if d, ok := recover().(defect); !ok || !strings.Contains(d.Error(), "cannot move from gone to Active") {
					t.Errorf("recovered %v", d)
				}
			}()
			w.e.setState(r, RegActive)
		}()
	}
	if out := (&Engine{}).tryStep(); out == nil {
		t.Error("Step did not return the defect")
	}
}

// tryStep steps an empty engine with an unknown event.
func (e *Engine) tryStep() error {
	return e.Step(Instant{}, fmtEvent{}).Defect
}

type fmtEvent struct{}

func (fmtEvent) event()         {}
func (fmtEvent) String() string { return "unknown" }

package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// promised lists the sections of the contract in which every promise has a transcript.
var promised = []string{"2", "3", "4", "5", "6", "8"}

// row is a line of testdata/README.md: a quote of the contract, or a move, and the
// transcripts that show it. Elsewhere says what shows it instead, or why nothing does.
type row struct {
	section   string
	quote     string
	files     []string
	elsewhere string
}

// TestEveryPromiseIsShown compares the index with the contract: each quote is in the
// contract, each promise is quoted, and each transcript is listed.
func TestEveryPromiseIsShown(t *testing.T) {
	contract := sections(t)
	listed := map[string]bool{}
	quotes := map[string][]string{}
	for _, r := range index(t) {
		for _, f := range r.files {
			listed[f] = true
			if _, err := os.Stat(filepath.Join("testdata", f+".txt")); err != nil {
				t.Errorf("section %s: %q names the transcript %s, which does not exist", r.section, r.quote, f)
			}
		}
		if r.section == "9" {
			continue
		}
		if !strings.Contains(plain(contract[r.section]), plain(r.quote)) {
			t.Errorf("section %s of the contract does not say %q", r.section, r.quote)
		}
		quotes[r.section] = append(quotes[r.section], plain(r.quote))
	}
	for _, file := range transcripts(t) {
		if !listed[subject(file)] {
			t.Errorf("%s is not in testdata/README.md", file)
		}
	}
	for _, section := range promised {
		for _, promise := range promises(contract[section]) {
			if !slices.ContainsFunc(quotes[section], func(q string) bool { return strings.Contains(promise, q) }) {
				t.Errorf("section %s: no transcript is named for: %.120s", section, promise)
			}
		}
	}
}

// TestEveryMoveIsTaken plays the transcript that the index names for each move of the
// tables, and checks that the move is made.
func TestEveryMoveIsTaken(t *testing.T) {
	taken := map[string]map[string]bool{} // by transcript
	defer func() { moved = nil }()
	for _, file := range transcripts(t) {
		here := map[string]bool{}
		moved = func(from, to fmt.Stringer) { here[moveName(from, to)] = true }
		play(t, read(t, file))
		taken[subject(file)] = here
	}
	named := map[string]bool{}
	for _, r := range index(t) {
		if r.section != "9" {
			continue
		}
		named[r.quote] = true
		if len(r.files) == 0 && r.elsewhere == "" {
			t.Errorf("%s: no transcript, and no reason", r.quote)
		}
		for _, f := range r.files {
			if !taken[f][r.quote] {
				t.Errorf("the move %s is not made in %s", r.quote, f)
			}
		}
	}
	for _, m := range slices.Concat(namesOf(regMoves), namesOf(occMoves), namesOf(runMoves), namesOf(hostMoves), namesOf(serverMoves)) {
		if !named[m] {
			var by []string
			for _, f := range sortedKeys(taken) {
				if taken[f][m] {
					by = append(by, f)
				}
			}
			t.Errorf("testdata/README.md does not name a transcript for %q; it is made in %v", m, by)
		}
		delete(named, m)
	}
	for m := range named {
		t.Errorf("the tables have no move %q", m)
	}
}

// moveName formats a move as in the index: "Run Starting -> Sent".
func moveName(from, to fmt.Stringer) string {
	kind := map[string]string{"RegState": "Registration", "OccState": "Occurrence", "RunState": "Run", "HostState": "Host", "ServerState": "Class server"}
	return fmt.Sprintf("%s %v -> %v", kind[strings.TrimPrefix(fmt.Sprintf("%T", from), "engine.")], from, to)
}

func namesOf[S interface {
	~uint8
	fmt.Stringer
}](moves [][]S) []string {
	var all []string
	for from, tos := range moves {
		for _, to := range tos {
			all = append(all, moveName(S(from), to))
		}
	}
	return all
}

var heading = regexp.MustCompile(`^## (\d+)\. `)

// index parses lines such as "| a quote | one, two |"; a cell in brackets is a reason.
func index(t *testing.T) []row {
	var rows []row
	section := ""
	for _, line := range strings.Split(read(t, "testdata/README.md"), "\n") {
		if m := heading.FindStringSubmatch(line); m != nil {
			section = m[1]
		}
		cells := strings.Split(line, " | ")
		if section == "" || len(cells) != 2 || strings.HasPrefix(line, "|-") || strings.Contains(line, "| transcript |") {
			continue
		}
		r := row{section: section, quote: strings.TrimPrefix(cells[0], "| ")}
		switch shown := strings.TrimSuffix(cells[1], " |"); {
		case strings.HasPrefix(shown, "("):
			r.elsewhere = shown
		default:
			r.files = strings.Split(shown, ", ")
		}
		rows = append(rows, r)
	}
	return rows
}

func sections(t *testing.T) map[string]string {
	all := map[string]string{}
	section := ""
	for _, line := range strings.Split(read(t, "../../doc/SEMANTICS.md"), "\n") {
		if m := heading.FindStringSubmatch(line); m != nil {
			section = m[1]
		}
		all[section] += line + "\n"
	}
	return all
}

// plain replaces line breaks by spaces.
func plain(s string) string { return strings.Join(strings.Fields(s), " ") }

var item = regexp.MustCompile(`^\s*(- |\d+\. |\|)`)

// promises returns the items, rows and paragraphs of a section.
func promises(section string) []string {
	var all []string
	begin := true
	for _, line := range strings.Split(section, "\n")[1:] {
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "|--") || isTableHead(line):
			begin = true
			continue
		case begin || item.MatchString(line):
			all = append(all, "")
		}
		begin = false
		all[len(all)-1] = plain(all[len(all)-1] + " " + line)
	}
	return all
}

func isTableHead(line string) bool {
	return strings.HasPrefix(line, "| trigger | fires") || strings.HasPrefix(line, "| outcome | when")
}

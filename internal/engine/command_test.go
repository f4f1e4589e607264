package engine

import (
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/bgtask/bgtask/task"
)

// args are the words after a command: NAME=VALUE, and the plain ones in order.
type args struct {
	plain []string
	named map[string]string
}

func parseArgs(words []string) args {
	a := args{named: map[string]string{}}
	for _, word := range words {
		if k, v, ok := strings.Cut(word, "="); ok {
			a.named[k] = v
		} else {
			a.plain = append(a.plain, word)
		}
	}
	return a
}

func (a args) has(word string) bool {
	for _, p := range a.plain {
		if p == word {
			return true
		}
	}
	return false
}

func (a args) at(i int) string {
	if i < len(a.plain) {
		return a.plain[i]
	}
	return ""
}

// run executes one command line and returns what it printed.
func (w *world) run(line string) string {
	w.out.Reset()
	words := strings.Fields(line)
	a := parseArgs(words[1:])
	command := commands[words[0]]
	if command == nil {
		w.t.Fatalf("unknown command %q", line)
	}
	command(w, a)
	if w.out.Len() == 0 {
		return "ok\n"
	}
	return w.out.String()
}

var commands = map[string]func(*world, args){}

func init() {
	for _, some := range []map[string]func(*world, args){requestCommands, machineCommands, hostCommands, queryCommands} {
		maps.Copy(commands, some)
	}
}

func result(w *world, outcome, text string) Result {
	o, err := task.ParseOutcome(outcome)
	if err != nil {
		w.t.Fatal(err)
	}
	return Result{Outcome: o, Text: text}
}

// id makes the request's id: id=7 repeats request 7.
func (w *world) id(a args) RequestID {
	w.request++
	n := w.request
	if s, ok := a.named["id"]; ok {
		n = 1_000_000 + uint64(number(s))
		delete(a.named, "id")
	}
	var g task.GUID
	for i := range 8 {
		g[i] = byte(n >> (8 * i))
	}
	g[15] = 1
	return g
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func (w *world) duration(s string) time.Duration {
	if s == "" {
		return 0
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		return time.Duration(number(days)) * 24 * time.Hour
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		w.t.Fatalf("duration %q: %v", s, err)
	}
	return d
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

//go:build linux

package machine

import (
	"bufio"
	"encoding/json"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// root runs a program as the machine's administrator, in its own unit. Services such as
// logind cannot identify a process that is in none of their cgroups.
func (m *machine) root(args ...string) string {
	m.t.Helper()
	return m.inside(append([]string{"systemd-run", "--quiet", "--pipe", "--wait", "--collect"}, args...)...)
}

// asAnn returns a program that runs as the machine's user, outside of any session.
func (m *machine) asAnn(args ...string) *exec.Cmd {
	return m.enter(append([]string{"systemd-run", "--quiet", "--pipe", "--wait", "--collect",
		"--property=User=ann", "--property=WorkingDirectory=/home/ann", "--setenv=XDG_RUNTIME_DIR=/run/user/1000"}, args...)...)
}

// user runs a program as the machine's user, and returns its output.
func (m *machine) user(args ...string) string {
	m.t.Helper()
	out, err := output(m.asAnn(args...))
	if err != nil {
		m.t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return out
}

func (m *machine) bgtask(args ...string) string {
	m.t.Helper()
	return m.user(append([]string{"bgtask"}, args...)...)
}

// linger makes the user's service manager run from boot on, and waits for it.
func (m *machine) linger() {
	m.t.Helper()
	m.root("loginctl", "enable-linger", "ann")
	m.root("systemctl", "start", "user@1000.service")
}

// installUnits does what the README says.
func (m *machine) installUnits() {
	m.t.Helper()
	m.bgtask("setup")
}

// ready returns a machine that is on, with the user's units installed. They run whether
// or not she is logged in.
func ready(t *testing.T) *machine {
	t.Helper()
	m := newMachine(t)
	m.boot()
	m.linger()
	m.installUnits()
	return m
}

// eventually waits until a condition holds.
func (m *machine) eventually(what string, so func() bool) {
	m.t.Helper()
	for end := time.Now().Add(patience); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			m.t.Fatalf("never: %s", what)
		}
	}
}

// unit returns a property of a user unit.
func (m *machine) unit(name, property string) string {
	m.t.Helper()
	return m.user("systemctl", "--user", "show", "--value", "--property="+property, name)
}

// info is what list prints about a task.
type info struct {
	Spec struct {
		Name string
	}
	State struct {
		Phase   string
		Reasons []struct {
			Kind, Cause string
			Condition   struct{ Condition string }
		}
		Next *time.Time
		Run  *run
	}
}

// heldBy reports whether the first reason is this one. A condition must fail; no
// condition is unsure on these machines.
func (i info) heldBy(kind, condition string) bool {
	if len(i.State.Reasons) == 0 {
		return false
	}
	first := i.State.Reasons[0]
	return first.Kind == kind && first.Condition.Condition == condition && first.Cause == ""
}

type run struct {
	Attempt    int
	Occurrence struct{ Number, Count int }
	Pid        int
	Outcome    string
	Reason     string
	Exit       string
	Forced     bool
}

// task returns a task of the user.
func (m *machine) task(name string) info {
	m.t.Helper()
	var answer struct{ Tasks []info }
	if err := json.Unmarshal([]byte(m.bgtask("list", "--json")), &answer); err != nil {
		m.t.Fatal(err)
	}
	for _, i := range answer.Tasks {
		if i.Spec.Name == name {
			return i
		}
	}
	m.t.Fatalf("there is no task %s", name)
	return info{}
}

// event is a line of watch.
type event struct {
	Kind   string
	Name   string
	Run    *run
	Fact   *struct{ Name, Value, Source string }
	Missed *struct{ Cause string }
	Text   string
}

// events are all events that the broker has stored since its first start, and
// everything that follows.
type events struct {
	m    *machine
	mu   sync.Mutex
	all  []event // those not yet awaited
	more chan struct{}
	end  error
}

// watch follows the events until the machine is off.
func (m *machine) watch() *events {
	m.t.Helper()
	e := &events{m: m, more: make(chan struct{}, 1)}
	cmd := m.asAnn("bgtask", "watch", "--json", "--since", "0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.following.Go(func() {
		lines := bufio.NewScanner(out)
		for lines.Buffer(nil, 1<<20); lines.Scan(); {
			var line struct{ Event event }
			err := json.Unmarshal(lines.Bytes(), &line)
			e.add(line.Event, err)
		}
		cmd.Wait()
	})
	return e
}

func (e *events) add(ev event, err error) {
	e.mu.Lock()
	if err != nil {
		e.end = err
	} else {
		e.all = append(e.all, ev)
	}
	e.mu.Unlock()
	select {
	case e.more <- struct{}{}:
	default:
	}
}

// await waits for an event that was not awaited yet.
func (e *events) await(what string, is func(event) bool) event {
	e.m.t.Helper()
	for end := time.After(patience); ; {
		if ev, ok := e.take(is); ok {
			return ev
		}
		select {
		case <-e.more:
		case <-end:
			e.m.t.Fatalf("never: %s\n%s", what, e.m.bgtask("list"))
		}
	}
}

func (e *events) take(is func(event) bool) (event, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.end != nil {
		e.m.t.Fatal(e.end)
	}
	for i, ev := range e.all {
		if is(ev) {
			e.all = append(e.all[:i:i], e.all[i+1:]...)
			return ev, true
		}
	}
	return event{}, false
}

// of waits for an event of a task.
func (e *events) of(kind, name string) event {
	e.m.t.Helper()
	return e.await(name+" is "+kind, func(ev event) bool { return ev.Kind == kind && ev.Name == name })
}

// ended waits for the end of a run, and checks its outcome and reason.
func (e *events) ended(name, outcome, reason string) *run {
	e.m.t.Helper()
	r := e.of("ended", name).Run
	if r.Outcome != outcome || r.Reason != reason {
		e.m.t.Fatalf("%s ended %s %s (%s), not %s %s", name, r.Outcome, r.Reason, r.Exit, outcome, reason)
	}
	return r
}

// fact waits until a fact has a value.
func (e *events) fact(name, value string) event {
	e.m.t.Helper()
	return e.await(name+"="+value, func(ev event) bool { return ev.Fact != nil && ev.Fact.Name == name && ev.Fact.Value == value })
}

//go:build linux

package source

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/source/sourcetest"
	"github.com/bgtask/bgtask/task"
)

var (
	idA = task.MustGUID("00000000-0000-0000-0000-00000000000a")
	idB = task.MustGUID("00000000-0000-0000-0000-00000000000b")
)

type firing struct {
	id task.GUID
	d  task.Details
}

// events is an Events that a test can wait on.
type events struct {
	fired   chan firing
	refusal error // error of Fired; nil to accept
	mu      sync.Mutex
	trouble map[task.GUID]error
	more    hints
}

func newEvents() *events {
	return &events{fired: make(chan firing, 4096), trouble: map[task.GUID]error{}, more: newHints()}
}

func (e *events) Fired(id task.GUID, d task.Details) error {
	e.fired <- firing{id, d}
	return e.refusal
}

func (e *events) Trouble(id task.GUID, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.trouble[id] = err
	e.more.give()
}

// next waits for a firing of id.
func (e *events) next(t *testing.T, id task.GUID) task.Details {
	t.Helper()
	for late := time.After(sourcetest.Patience); ; {
		select {
		case f := <-e.fired:
			if f.id == id {
				return f.d
			}
		case <-late:
			t.Fatal("did not fire")
		}
	}
}

// awaitTrouble waits until the watcher has called Trouble for id, and returns its
// error.
func (e *events) awaitTrouble(t *testing.T, id task.GUID) error {
	t.Helper()
	for late := time.After(sourcetest.Patience); ; {
		e.mu.Lock()
		err, ok := e.trouble[id]
		delete(e.trouble, id)
		e.mu.Unlock()
		if ok {
			return err
		}
		select {
		case <-e.more:
		case <-late:
			t.Fatal("Trouble was not called")
		}
	}
}

// watch runs a watcher until the test ends or the returned function is called.
func watch(t *testing.T, w Watcher) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	up, ended := newHints(), make(chan error, 1)
	var running sync.WaitGroup
	running.Go(func() { ended <- w.Watch(ctx, func(...task.Fact) { up.give() }) })
	select {
	case <-up:
	case err := <-ended:
		t.Fatal(err)
	}
	once := sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	t.Cleanup(once)
	return once
}

func TestWatchersRun(t *testing.T) {
	e := newEvents()
	chains := Chains([]Watcher{NewDevices("/", e), NewSockets(nil, nil, e)})
	r, _ := start(t, chains...)
	r.state(t, "uevents", task.SourceUp)
	r.state(t, "sockets", task.SourceUp)
	if got := r.states["sockets"].Triggers; len(got) != 1 || got[0] != "SocketActivityTrigger" {
		t.Errorf("triggers %v", got)
	}
}

func TestDevices(t *testing.T) {
	if !sourcetest.InNamespace(t) {
		return
	}
	e := newEvents()
	w := NewDevices(t.TempDir(), e)
	w.Set(map[task.GUID]task.Trigger{
		idA: task.DeviceWatcherTrigger{Subsystem: "net", Properties: map[string]string{"INTERFACE": "bgtask0"}},
		idB: task.DeviceWatcherTrigger{Subsystem: "usb"},
	})
	watch(t, w)
	sourcetest.IP(t, "link", "add", "bgtask0", "type", "veth", "peer", "name", "bgtask1")
	if d := e.next(t, idA).(task.DeviceWatcherTriggerDetails); d.Action != "add" || d.Properties["INTERFACE"] != "bgtask0" {
		t.Errorf("details %+v", d)
	}
	sourcetest.IP(t, "link", "del", "bgtask0")
	if d := e.next(t, idA).(task.DeviceWatcherTriggerDetails); d.Action != "remove" {
		t.Errorf("details %+v", d)
	}
	if len(e.fired) != 0 {
		t.Errorf("%d more", len(e.fired))
	}
}

// A device may have more properties than fit into a run's details. The requested
// ones are kept.
func TestManyProperties(t *testing.T) {
	all := map[string]string{"ZZ": "asked", "LONG": strings.Repeat("x", task.MaxPath+1), "BAD": "\xff", "\xff": "x"}
	for i := range 2 * task.MaxProperties {
		all[fmt.Sprintf("P%03d", i)] = "x"
	}
	some := fitting(all, map[string]string{"ZZ": "asked"})
	if len(some) != task.MaxProperties || some["ZZ"] != "asked" || some["BAD"] != "\uFFFD" || some["LONG"] != "" {
		t.Errorf("%d properties: %v", len(some), some)
	}
}

func TestCheckDevices(t *testing.T) {
	w := NewDevices("/", newEvents())
	if err := w.Check(task.DeviceWatcherTrigger{Subsystem: "usb"}); err != nil {
		t.Error(err)
	}
	for _, bad := range []task.Trigger{task.DeviceWatcherTrigger{}, task.DeviceWatcherTrigger{Subsystem: "../x"}, task.ApplicationTrigger{}} {
		if w.Check(bad) == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

package bgtasktest

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bgtask/bgtask"
	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// Machine is a machine with the real engine, in memory: one application, which
// the classes given to NewMachine are a class server of, facts that the test
// sets, and no disk. In a bubble of testing/synctest its time is the bubble's, so
// that a day costs nothing. Tasks in it have to block, not to spin.
//
// At first it is online, on AC, and its user is present.
type Machine struct {
	t       testing.TB
	classes []bgtask.Class
	folder  string
	client  *bgtask.Client
	began   time.Time

	mu       sync.Mutex // of all that follows; nothing waits while it is held
	engine   *engine.Engine
	queue    []engine.Event // not yet stepped
	timer    *time.Timer
	slept    time.Duration
	sleeping bool
	closed   bool
	pids     int
	waiting  map[task.GUID]func(engine.Answer)
	hosts    map[task.Process]*line
	servers  map[task.LaunchToken]*server
	log      []task.Event
	toasts   []task.Toast
	told     chan struct{} // closed when log grows

	running sync.WaitGroup // streams and servers
}

const (
	family = "bgtasktest_0000000000000"
	source = "test" // of all facts
	bootID = "7e570000-0000-4000-8000-00000000b007"
)

// facts are those of the machine at first.
var facts = []task.Fact{
	{Name: task.FactInternet, Value: task.Yes}, {Name: task.FactMetered, Value: task.No}, {Name: task.FactNetwork, Value: "test"},
	{Name: task.FactUser, Value: task.Present}, {Name: task.FactSession, Value: task.Connected}, {Name: task.FactIdle, Value: task.No},
	{Name: task.FactOnAC, Value: task.Yes}, {Name: task.FactBattery, Value: task.None}, {Name: task.FactPower, Value: task.None},
	{Name: task.FactWorkCost, Value: task.Low}, {Name: task.FactEnergySaver, Value: task.No}, {Name: task.FactStorageLow, Value: task.No},
}

// NewMachine starts a machine; it ends with the test. The classes are served by a
// process that the machine launches when one is needed: a goroutine, here. A test
// may play the open application too, with a Server whose Client is the machine's.
func NewMachine(t testing.TB, classes ...bgtask.Class) *Machine {
	t.Helper()
	m := &Machine{
		t: t, classes: classes, folder: t.TempDir(), began: time.Now(), pids: 1000, told: make(chan struct{}),
		waiting: make(map[task.GUID]func(engine.Answer)), hosts: make(map[task.Process]*line), servers: make(map[task.LaunchToken]*server),
	}
	m.client = m.newClient(&seat{Machine: m, process: m.newProcess()})
	var out engine.Output
	m.engine, out = engine.Restore(m.now(), engine.Config{Seed: 1}, engine.State{})
	m.mu.Lock()
	m.finish(out)
	m.mu.Unlock()
	m.step(engine.Install{Package: m.pack()})
	state := task.SourceState{Name: source, Status: task.SourceUp}
	for _, f := range facts {
		state.Facts = append(state.Facts, f.Name)
	}
	m.step(engine.SourceChanged{State: state})
	m.step(engine.FactsReported{Source: source, Facts: facts})
	t.Cleanup(m.close)
	return m
}

func (m *Machine) pack() task.Package {
	server := task.ClassServer{Executable: "/test/server"}
	for _, c := range m.classes {
		server.Classes = append(server.Classes, c.CLSID)
	}
	return task.Package{
		Family: family, Name: "bgtasktest", Publisher: "CN=bgtasktest", Version: "1.0.0.0", Folder: "/test", LocalFolder: m.folder,
		Servers: []task.ClassServer{server}, Classes: server.Classes,
	}
}

// Client is the application's connection to the machine's broker: for Builders,
// and for a Server that plays the open application.
func (m *Machine) Client() *bgtask.Client { return m.client }

// SetFact changes a fact: SetFact("internet", "no"). An empty value is unknown.
func (m *Machine) SetFact(name string, value bgtask.Value) {
	m.step(engine.FactsReported{Source: source, Facts: []task.Fact{{Name: name, Value: value}}})
}

// Suspend has the machine sleep for d: nothing is fired or started meanwhile, and
// what became due is seen at its end. Goroutines of the test do not sleep with it.
func (m *Machine) Suspend(d time.Duration) {
	m.mu.Lock()
	m.sleeping = true
	m.mu.Unlock()
	time.Sleep(d)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.slept += d
	m.sleeping = false
	m.queue = append(m.queue, engine.Tick{})
	m.drain()
}

// KillHost kills the class servers that the machine has launched, as kill -9
// does: their runs are lost in the middle. It returns how many there were.
func (m *Machine) KillHost() int {
	m.mu.Lock()
	live := make([]*server, 0, len(m.servers))
	for _, s := range m.servers {
		live = append(live, s)
	}
	m.mu.Unlock()
	for _, s := range live {
		m.kill(s)
	}
	return len(live)
}

// close ends the machine's processes and waits for them.
func (m *Machine) close() {
	m.mu.Lock()
	m.closed = true
	if m.timer != nil {
		m.timer.Stop()
	}
	for _, s := range m.servers {
		s.stop()
	}
	for _, l := range m.hosts {
		l.far.Close(errClosed)
	}
	m.mu.Unlock()
	m.running.Wait()
}

var errClosed = &bgtask.Error{Op: "bgtasktest", Err: bgtask.ErrDisabledByPolicy, Detail: "the machine is off"}

// newClient makes a Client of one of the machine's processes.
func (m *Machine) newClient(s *seat) *bgtask.Client {
	return bgtask.NewTestClient(s, s.token)
}

func (m *Machine) newProcess() task.Process {
	m.pids++
	return task.Process{PID: m.pids, Start: uint64(m.pids), Boot: bootID}
}

// seat is one process' place at the broker.
type seat struct {
	*Machine
	process task.Process
	token   task.LaunchToken
	dead    bool
}

var _ client.Broker = (*seat)(nil)

func exitOf(err error) engine.Exit {
	if err == nil {
		return engine.Exit{Known: true, Status: "exit 0"}
	}
	return engine.Exit{Known: true, Status: "exit 1", Stderr: strings.TrimSpace(err.Error())}
}

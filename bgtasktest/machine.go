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

// Machine is a machine in memory that runs the broker's engine. It has one
// application, whose class server serves the classes given to NewMachine, facts that
// the test sets, and no disk. It is safe for concurrent use.
//
// In a bubble of testing/synctest, its time is that of the bubble, so a day passes
// immediately. Tasks in a bubble must block, not spin.
//
// Initially the machine is online and on AC power, and its user is present.
type Machine struct {
	t       testing.TB
	classes []bgtask.Class
	folder  string
	client  *bgtask.Client
	began   time.Time

	mu       sync.Mutex // guards the fields below; nothing blocks while it is held
	engine   *engine.Engine
	queue    []engine.Event // not yet given to the engine
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
	grown    chan struct{} // closed and replaced when log grows

	running sync.WaitGroup // streams and servers
}

const (
	family = "bgtasktest_0000000000000"
	source = "test" // of all facts
	bootID = "7e570000-0000-4000-8000-00000000b007"
)

// ordinary lists the initial facts of a machine: the most ordinary value of each. The
// time zone is the test's own.
func ordinary() (facts []task.Fact) {
	for _, row := range task.FactTable() {
		if row.Name != task.FactTimeZone {
			facts = append(facts, task.Fact{Name: row.Name, Value: row.SampleValues()[0]})
		}
	}
	return facts
}

// NewMachine starts a machine that ends with the test. When a task needs its class
// server, the machine launches one: a goroutine that serves the classes. A test can
// also play the running application, with a Server whose Client is the machine's.
func NewMachine(t testing.TB, classes ...bgtask.Class) *Machine {
	t.Helper()
	m := &Machine{
		t: t, classes: classes, folder: t.TempDir(), began: time.Now(), pids: 1000, grown: make(chan struct{}),
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
	facts := ordinary()
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

// Client returns the application's connection to the machine's broker. Set it as the
// Client of Builders, and of a Server that plays the running application.
func (m *Machine) Client() *bgtask.Client { return m.client }

// SetFact changes a fact, such as SetFact("internet", "no"). An empty value makes it
// unknown. Names and values are those that "bgtask facts" lists.
func (m *Machine) SetFact(name string, value bgtask.Value) {
	m.step(engine.FactsReported{Source: source, Facts: []task.Fact{{Name: name, Value: value}}})
}

// Suspend puts the machine to sleep for d, and blocks that long. Nothing fires or
// starts meanwhile; what became due is noticed when the machine wakes up. Goroutines
// of the test and runs continue.
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

// KillHost kills the launched class servers, as kill -9 would: their runs end as
// Crashed, and their contexts end. It returns the number of servers.
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

// newClient returns a Client of one of the machine's processes.
func (m *Machine) newClient(s *seat) *bgtask.Client {
	return bgtask.NewTestClient(s, s.token)
}

func (m *Machine) newProcess() task.Process {
	m.pids++
	return task.Process{PID: m.pids, Start: uint64(m.pids), Boot: bootID}
}

// seat is the broker as one process of the machine sees it.
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

// The step: one event in, one Output out. The order inside a step is fixed, because
// promises depend on it (SEMANTICS section 2, "Order in a step"): the clocks are read,
// the event is applied, deadlines that have come are handled, touched registrations are
// advanced, and only then are starts decided and changes flushed. So a start is always
// decided on one consistent set of facts.
//
// A step must never do anything itself. It returns what to store and what to do, and
// the caller stores before it acts; a broker that dies in between asks again for what
// is owed (restore.go).

package engine

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/bgtask/bgtask/task"
)

// Config holds what does not change while the broker runs.
type Config struct {
	Policy   task.Policy
	Seed     uint64             // of ids; use a new one for each start of the broker, or ids repeat
	Commands task.ClassServer   // serves task.CommandClass; without an Executable there are no command tasks
	Sources  []task.SourceState // sources that are starting and will report their state
}

// Engine is the state machine. It is not safe for concurrent use: one loop owns it.
type Engine struct {
	cfg   Config
	rng   *rand.PCG
	now   Instant
	clock clock
	seq   uint64
	order uint64 // last order number given to a registration, package or host

	packages  map[string]*pack
	leftovers map[string]*pack // removed packages whose folders still exist
	regs      map[task.GUID]*reg
	runs      map[task.GUID]*run
	hosts     map[HostID]*host
	launches  map[task.LaunchToken]*launch
	servers   map[serverKey]*server
	keys      map[exclusive]*reg
	facts     factTable
	sources   map[string]*task.SourceState
	edges     map[task.SystemTriggerType]regSet
	events    map[string]regSet // CustomSystemEventTrigger, by event id
	answers   answers
	stopping  *stopping

	elapsed timers // deadlines of registrations, facts
	awake   timers // deadlines of runs, hosts, launches
	wall    timers // calendars

	todo     []work // registrations to fire or to advance, in order
	ready    readyQueue
	slots    slots
	payloads int

	out     Output
	dirty   []stored
	history []entry
	touched []*reg // registrations whose visible state may have changed
}

// Step applies one event at one time. The caller must commit all Writes of the Output
// before it performs any of its Actions. If the Output has a Defect, it has nothing
// else, and the engine must not be used any more.
func (e *Engine) Step(now Instant, ev Event) (out Output) {
	defer func() {
		if d := defectOf(recover()); d != nil {
			out = Output{Defect: fmt.Errorf("%w (event %T)", d, ev)}
		}
	}()
	e.observe(now)
	e.apply(ev)
	e.work()
	return e.flush()
}

// work does what the event and the time require, for at most task.MaxTouched
// registrations: a fact that a hundred thousand tasks use must not stall the loop.
// flush asks for an immediate wake for the rest.
func (e *Engine) work() {
	e.fireTimers()
	n := 0
	for len(e.todo) > 0 && n < task.MaxTouched {
		w := e.todo[0]
		e.todo = e.todo[1:]
		w.do(e)
		n++
	}
	if len(e.todo) == 0 {
		e.todo = nil
	}
	e.admit()
	e.stopWhenDone()
}

// fireTimers handles every deadline that has come on each of the three clocks.
func (e *Engine) fireTimers() {
	for t := e.elapsed.next(e.clock.elapsed); t != nil; t = e.elapsed.next(e.clock.elapsed) {
		t.owner.due(e)
	}
	for t := e.awake.next(e.now.Awake); t != nil; t = e.awake.next(e.now.Awake) {
		t.owner.due(e)
	}
	for t := e.wall.next(wallTime(e.now.Wall)); t != nil; t = e.wall.next(wallTime(e.now.Wall)) {
		t.owner.due(e)
	}
}

// wake returns the earliest deadline, on CLOCK_BOOTTIME; 0 means none. Waking early is
// harmless, so deadlines on the awake and wall clocks are converted as if the machine
// never slept and its clock never stepped.
func (e *Engine) wake() time.Duration {
	if len(e.todo) > 0 {
		return e.now.Boot
	}
	var wake time.Duration
	earliest := func(t *timers, now time.Duration) {
		if at, ok := t.first(); ok {
			if boot := e.now.Boot + max(at-now, 0); wake == 0 || boot < wake {
				wake = boot
			}
		}
	}
	earliest(&e.elapsed, e.clock.elapsed)
	earliest(&e.awake, e.now.Awake)
	earliest(&e.wall, wallTime(e.now.Wall))
	return wake
}

// Seq returns the sequence number of the last event in history.
func (e *Engine) Seq() uint64 { return e.seq }

// newGUID draws an id from the seeded generator, so that the same events always give
// the same ids.
func (e *Engine) newGUID() (g task.GUID) {
	for i := 0; i < 16; i += 8 {
		v := e.rng.Uint64()
		for k := range 8 {
			g[i+k] = byte(v >> (8 * k))
		}
	}
	g[6] = g[6]&0x0f | 0x40 // RFC 9562: version 4
	g[8] = g[8]&0x3f | 0x80
	return g
}

// do adds an action to the Output of this step.
func (e *Engine) do(a Action) { e.out.Actions = append(e.out.Actions, a) }

// apply handles an event of a client or of the machine. Requests go through answer,
// which replies once for each request id.
func (e *Engine) apply(ev Event) {
	switch ev := ev.(type) {
	case Tick:
	case Register:
		e.answer(ev.Request, func() Answer { return e.register(ev) })
	case Unregister:
		e.answer(ev.Request, func() Answer { return e.unregister(ev) })
	case Fire:
		e.answer(ev.Request, func() Answer { return e.fireRequest(ev) })
	case Raise:
		e.answer(ev.Request, func() Answer { return e.raise(ev) })
	case Cancel:
		e.answer(ev.Request, func() Answer { return e.cancelRequest(ev) })
	case Resume:
		e.answer(ev.Request, func() Answer { return e.resumeRequest(ev) })
	case RequestAccess:
		e.answer(ev.Request, func() Answer { return e.requestAccess(ev) })
	case SetAccess:
		e.answer(ev.Request, func() Answer { return e.setAccess(ev) })
	case Install:
		e.answer(ev.Request, func() Answer { return e.install(ev) })
	case Imply:
		e.answer(ev.Request, func() Answer { return e.imply(ev) })
	case Uninstall:
		e.answer(ev.Request, func() Answer { return e.uninstall(ev) })
	case FoldersRemoved:
		e.foldersRemoved(ev)
	case OverrideFact:
		e.answer(ev.Request, func() Answer { return e.overrideFact(ev) })
	case ClearOverride:
		e.answer(ev.Request, func() Answer { return e.clearOverride(ev) })
	case SaveCheckpoint:
		e.answer(ev.Request, func() Answer { return e.saveCheckpoint(ev) })
	case StopAll:
		e.stopAll(ev)
	case HandOver:
		e.handOver()
	case FactsReported:
		e.factsReported(ev)
	case SourceChanged:
		e.sourceChanged(ev)
	case Occurred:
		if a := e.occurred(ev); !ev.Request.IsZero() {
			e.do(Reply{ev.Request, a})
		}
	default:
		e.applyHost(ev)
	}
}

// applyHost handles an event of a host or of a process.
func (e *Engine) applyHost(ev Event) {
	switch ev := ev.(type) {
	case Attached:
		e.attached(ev)
	case ObjectsChanged:
		e.objectsChanged(ev)
	case StreamLost:
		e.streamLost(ev)
	case LeaveRequested:
		e.leaveRequested(ev)
	case Accepted:
		e.accepted(ev)
	case Refused:
		e.refused(ev)
	case Progressed:
		e.progressed(ev)
	case Finished:
		e.finished(ev)
	case ServerStarted:
		e.serverStarted(ev)
	case StartFailed:
		e.startFailed(ev)
	case Exited:
		e.exited(ev)
	case TreeEnded:
		e.treeEnded(ev)
	default:
		panic(defect{fmt.Sprintf("unknown event %T", ev)})
	}
}

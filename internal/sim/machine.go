// The machine: clocks, store, broker, processes, sources and user, with an agenda of
// what will happen. Everything random is drawn from one source, and everything that
// waits stands in the agenda, so a seed is a history.

package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// machine is the whole simulated world.
type machine struct {
	clocks
	agenda
	rng   *rand.Rand
	store *Store
	cfg   engine.Config
	b     *broker // nil while none runs
	lives int     // of the broker
	crash crashPlan

	processes []*process // every process of this boot, by pid
	trees     map[task.LaunchToken]*tree
	sources   []*source
	user      user
	audit     *auditor
	kind      bool          // the end of a history: nothing bad happens any more
	hasty     time.Duration // runs are short until this time

	log *strings.Builder // the transcript; nil: not wanted
	err error            // the first broken promise
}

// crashPlan makes the broker die at a later commit.
type crashPlan struct {
	in      int // commits until then; 0: no plan
	before  bool
	actions int // performed after the commit
	off     time.Duration
	reboot  bool
}

func newMachine(seed uint64, log *strings.Builder) *machine {
	m := &machine{clocks: newClocks(), rng: rand.New(rand.NewPCG(seed, 0xb97a5c)), store: NewStore(), trees: map[task.LaunchToken]*tree{}, log: log}
	m.cfg = engine.Config{Commands: commandServer}
	m.cfg.Policy = task.Policy{RunsAtOnce: 2 + m.rng.IntN(5), RunsPerPackage: 1 + m.rng.IntN(4), Launches: 1 + m.rng.IntN(3), MinFreshness: 10 * time.Second}
	if m.chance(30) {
		m.cfg.Policy.RunLimit = 5 * time.Minute
	}
	m.audit = newAuditor(m)
	m.user = newUser(m)
	m.sources = newSources(m)
	return m
}

func (m *machine) chance(percent int) bool { return m.rng.IntN(100) < percent }

// between returns a random duration. Small ones are as likely as large ones.
func (m *machine) between(least, most time.Duration) time.Duration {
	span := most - least
	for m.chance(50) && span > time.Millisecond {
		span /= 4
	}
	return least + time.Duration(m.rng.Int64N(int64(span)+1))
}

func pick[T any](m *machine, of ...T) T { return of[m.rng.IntN(len(of))] }

// after plans something, in awake time.
func (m *machine) after(d time.Duration, do func()) { m.at(m.spent+d, do) }

func (m *machine) printf(format string, args ...any) {
	if m.log != nil {
		fmt.Fprintf(m.log, "%s %9.3f  %s\n", m.now.Wall.Format("02 15:04:05"), m.now.Boot.Seconds(), fmt.Sprintf(format, args...))
	}
}

// broken notes the first broken promise and ends the history.
func (m *machine) broken(format string, args ...any) {
	if m.err == nil {
		m.err = fmt.Errorf(format, args...)
		m.printf("BROKEN  %v", m.err)
	}
}

// mostIdle is how many wakes in a row may change nothing at one instant.
const mostIdle = 20

// advance lets time pass. The agenda and the engine's timer happen in order.
func (m *machine) advance(d time.Duration) {
	end := m.spent + d
	for m.err == nil {
		at, ok := m.first()
		ok = ok && at <= end
		wake, ringing := m.ring()
		switch {
		case ringing && wake <= end && (!ok || wake <= at):
			m.passTo(wake)
			m.b.wake = 0
			m.deliver(engine.Tick{})
		case ok:
			m.passTo(at)
			m.take().do()
		default:
			m.passTo(end)
			return
		}
		m.pump()
	}
}

func (m *machine) passTo(spent time.Duration) {
	if d := spent - m.spent; d > 0 {
		m.pass(d)
	}
}

// ring returns when the engine's timer ends.
func (m *machine) ring() (time.Duration, bool) {
	if m.b == nil || m.b.wake == 0 {
		return 0, false
	}
	return m.spent + max(m.b.wake-m.now.Boot, 0), true
}

// suspend puts the machine to sleep. A timer that ended meanwhile rings afterwards.
func (m *machine) suspend(d time.Duration) {
	m.printf("-- asleep for %v", d)
	m.sleep(d)
	m.alarm(false)
}

func (m *machine) setClock(d time.Duration) {
	m.printf("-- the wall clock is set by %v", d)
	if m.b == nil || m.b.stopping || m.wrong != 0 && m.wrong != d {
		m.exact = false // no broker saw it, or it is another step, which is mistaken for the time off
	}
	m.drift, m.wrong, m.unwritten = 0, 0, true
	m.step(d)
	m.alarm(true)
}

func (m *machine) alarm(always bool) {
	if m.b != nil && (always || m.b.wake != 0 && m.b.wake <= m.now.Boot) {
		m.deliver(engine.Tick{})
		m.pump()
	}
}

// powerCut ends everything. The machine comes back after off, with a wall clock that is
// wrong by drift and later corrected.
func (m *machine) powerCut(off, drift time.Duration) {
	m.printf("-- power cut for %v, the clock then wrong by %v", off, drift)
	m.die()
	m.exact = m.exact && !m.unwritten
	for _, p := range m.processes {
		p.vanish()
	}
	m.processes, m.trees = nil, map[task.LaunchToken]*tree{}
	m.reboot(off, drift)
	m.audit.rebooted(drift)
	if drift != 0 {
		m.after(m.between(time.Second, 10*time.Minute), func() { m.setClock(-drift) })
	}
	m.after(m.between(0, 10*time.Second), m.start)
}

// process returns the process with an identity.
func (m *machine) process(id task.Process) *process {
	i := slices.IndexFunc(m.processes, func(p *process) bool { return p.id == id })
	if i < 0 {
		return nil
	}
	return m.processes[i]
}

// living returns the processes that are alive, oldest first.
func (m *machine) living() []*process {
	var all []*process
	for _, p := range m.processes {
		if p.alive {
			all = append(all, p)
		}
	}
	return all
}

// Simulated processes: applications and class servers with their instances. What an
// instance does here is the truth that outcomes are checked against.

package sim

import (
	"slices"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// temper holds the faults of a process.
type temper struct {
	refuses     bool // it refuses every activation
	mute        bool // it neither enters Run nor answers
	slow        bool // it answers late
	ignoresTerm bool
	immune      bool // SIGKILL does not end it: it is stuck in the kernel
	stays       bool // it does not exit when it is allowed to leave
}

// process is a simulated process. What its instances do is the truth.
type process struct {
	m      *machine
	id     task.Process
	pack   string
	token  task.LaunchToken // zero: the user started it
	tree   *tree            // of its launch
	life   int              // the life of the broker that forked it
	active bool
	temper temper

	alive   bool
	stopped bool // by SIGSTOP
	killed  bool // by SIGKILL
	held    bool // stuck in the kernel in spite of SIGKILL

	signaledBy bool        // the broker has sent it a signal
	taken      []task.GUID // classes whose SingleUse object was used
	parked     []func()    // what happens when it continues
	leaving    bool
	quits      bool          // it is ending itself normally
	isolated   bool          // it no longer connects
	patience   time.Duration // the wait before it connects again

	stream    *stream
	objects   []engine.Object
	instances []*instance
}

// instance is one activation in a process.
type instance struct {
	id          task.GUID
	taskID      task.GUID
	running     bool
	deaf        bool // it ignores a cancel
	denied      bool // the process will not name it when it connects next
	progress    uint32
	result      *engine.Result // not yet acknowledged
	cancelHeard bool
}

func (m *machine) newProcess(pack string, token task.LaunchToken) *process {
	n := len(m.processes) + 1
	p := &process{m: m, pack: pack, token: token, life: m.lives, alive: true, id: task.Process{PID: 1000*m.boots + n, Start: uint64(m.now.Boot / (10 * time.Millisecond)), Boot: m.now.ID}}
	m.processes = append(m.processes, p)
	return p
}

// do runs f in the process: never if it is dead, later if it is stopped.
func (p *process) do(f func()) {
	switch {
	case !p.alive:
	case p.stopped:
		p.parked = append(p.parked, f)
	default:
		f()
	}
}

func (p *process) later(d time.Duration, f func()) {
	p.m.after(d, func() { p.do(f) })
}

func (p *process) stop() {
	p.m.printf("-- %v is stopped", p.id)
	p.stopped = true
}

func (p *process) goOn() {
	if !p.stopped {
		return
	}
	p.m.printf("-- %v goes on", p.id)
	p.stopped = false
	parked := p.parked
	p.parked = nil
	for _, f := range parked {
		p.do(f)
	}
}

// shown returns the objects that the process reports.
func (p *process) shown() []engine.Object { return slices.Clone(p.objects) }

// named returns the instances that the process names.
func (p *process) named() []engine.Held {
	var all []engine.Held
	for _, i := range p.instances {
		if i.denied {
			i.denied = false
			continue
		}
		h := engine.Held{Instance: i.id, TaskID: i.taskID, Progress: i.progress}
		if i.result != nil {
			r := *i.result
			h.Result = &r
		}
		all = append(all, h)
	}
	return all
}

func (p *process) find(id task.GUID) *instance {
	i := slices.IndexFunc(p.instances, func(x *instance) bool { return x.id == id })
	if i < 0 {
		return nil
	}
	return p.instances[i]
}

// receive handles a frame from the broker.
func (p *process) receive(s *stream, frame engine.Action) {
	if p.stream != s {
		return
	}
	switch f := frame.(type) {
	case engine.Activate:
		p.activate(f.Activation)
	case engine.CancelRun:
		p.cancel(f)
	case engine.Acknowledge:
		p.instances = slices.DeleteFunc(p.instances, func(i *instance) bool { return i.id == f.Instance && i.result != nil })
		p.exitWhenDone()
		p.linger()
	case engine.ConfirmLeave:
		p.leaving = true
		if !p.temper.stays {
			p.later(p.m.latency(), func() { p.die("exit 0") })
		}
	case engine.Stay:
		p.linger()
	case engine.DropHost:
		p.dropped()
	}
}

// dropped handles a stream that the broker closed. A launched server ends; an
// application tries again much later.
func (p *process) dropped() {
	p.patience = 5 * time.Minute
	if !p.token.IsZero() {
		p.isolated = true
		if !p.temper.stays {
			p.later(p.m.between(0, time.Second), func() { p.die("exit 1") })
		}
	}
}

// activate enters Run, or refuses.
func (p *process) activate(a task.Activation) {
	at := slices.IndexFunc(p.objects, func(o engine.Object) bool { return o.CLSID == a.CLSID && !o.Suspended })
	switch {
	case slices.Contains(p.taken, a.CLSID):
		p.m.broken("%v has no object of %s any more, and is to run %s", p.id, a.CLSID, a.Spec.Name)
		return
	case p.temper.mute:
		return
	case at < 0 || p.temper.refuses || p.quits || p.leaving:
		p.later(p.m.between(0, 15*time.Second), func() { p.say(engine.Refused{Host: p.id, Instance: a.Instance, Text: "not now"}) })
		return
	}
	if p.objects[at].SingleUse {
		p.objects = slices.Delete(slices.Clone(p.objects), at, at+1)
		p.taken = append(p.taken, a.CLSID)
	}
	i := &instance{id: a.Instance, taskID: a.TaskID, running: true}
	p.m.audit.entered(p, i, a)
	p.instances = append(p.instances, i)
	accepted := engine.Accepted{Host: p.id, Instance: a.Instance}
	if p.temper.slow {
		p.later(p.m.between(time.Second, 40*time.Second), func() { p.say(accepted) })
	} else {
		p.say(accepted)
	}
	p.plan(i)
}

// plan decides how the code of an instance continues.
func (p *process) plan(i *instance) {
	m := p.m
	d := m.between(time.Millisecond, 90*time.Second)
	switch n := m.rng.IntN(100); {
	case m.spent < m.hasty:
		d = m.between(time.Millisecond, 500*time.Millisecond)
	case m.kind || n < 60:
	case n < 70:
		d = m.between(time.Minute, time.Hour)
	case n < 76:
		return // runs until it is canceled
	case n < 80:
		i.deaf = true
		return
	case n < 82:
		i.deaf = true
	case n < 88:
		p.later(d, func() { p.die("exit 3") })
		return
	}
	for n := m.rng.IntN(3); n > 0; n-- {
		p.later(m.between(0, d), func() { p.report(i) })
	}
	p.later(d, func() { p.finish(i, m.result()) })
}

// result returns how an undisturbed run ends: mostly well, else with any other outcome
// that a host may report by itself.
func (m *machine) result() engine.Result {
	if m.kind || m.chance(60) {
		return engine.Result{Outcome: task.Completed}
	}
	row := pick(m, slices.DeleteFunc(slices.Clone(task.Outcomes()), func(r task.OutcomeRow) bool {
		return !r.ByHost || r.Outcome == task.Completed || r.Outcome == task.Canceled
	})...)
	return engine.Result{Outcome: row.Outcome, Text: "it " + row.Verb}
}

// report sets the progress, and sometimes saves a checkpoint.
func (p *process) report(i *instance) {
	if !i.running {
		return
	}
	i.progress++
	p.say(engine.Progressed{Host: p.id, Instance: i.id, Value: i.progress})
	if p.m.chance(30) {
		p.say(engine.SaveCheckpoint{Request: p.m.newID(), Host: p.id, Instance: i.id, Data: []byte{byte(i.progress)}})
	}
}

// finish ends the code of an instance and reports its result until it is acknowledged.
func (p *process) finish(i *instance, r engine.Result) {
	if !i.running {
		return
	}
	i.running, i.result = false, &r
	p.m.audit.over(i, &r)
	p.say(engine.Finished{Host: p.id, Instance: i.id, Result: r})
	if p.m.chance(5) {
		p.say(engine.Finished{Host: p.id, Instance: i.id, Result: r})
	}
}

// cancel stops an instance, unless it is deaf.
func (p *process) cancel(f engine.CancelRun) {
	i := p.find(f.Instance)
	if i == nil || !i.running || i.deaf || i.cancelHeard {
		return
	}
	i.cancelHeard = true
	r := engine.Result{Outcome: task.Failed, Text: f.Reason.Error()}
	if p.m.chance(20) {
		r = engine.Result{Outcome: task.Completed}
	}
	p.later(p.m.between(0, 6*time.Second), func() { p.finish(i, r) })
}

// quit ends the process normally: after SIGTERM, or because the user closed it.
func (p *process) quit() {
	if p.quits {
		return
	}
	p.quits = true
	for _, i := range p.instances {
		if i.running && !i.deaf {
			p.later(p.m.between(0, time.Second), func() {
				p.finish(i, engine.Result{Outcome: task.Canceled, Reason: task.ReasonTerminating})
			})
		}
	}
	p.later(3*time.Second, func() { p.die("exit 0") })
	p.exitWhenDone()
}

func (p *process) exitWhenDone() {
	if p.quits && len(p.instances) == 0 {
		p.later(0, func() { p.die("exit 0") })
	}
}

// linger asks to leave after ten idle seconds.
func (p *process) linger() {
	if p.token.IsZero() {
		return
	}
	p.later(task.LingerTime, func() {
		if len(p.instances) == 0 && !p.quits && !p.leaving {
			p.say(engine.LeaveRequested{Host: p.id})
		}
	})
}

// die ends the process. Its code no longer runs.
func (p *process) die(status string) {
	if !p.alive {
		return
	}
	p.m.printf("-- %v ends: %s", p.id, status)
	p.vanish()
	if p.stream != nil {
		p.stream.cut()
	}
	p.m.ended(p, status)
}

// vanish ends the process without any report of it.
func (p *process) vanish() {
	p.alive = false
	for _, i := range p.instances {
		if i.running {
			i.running = false
			p.m.audit.over(i, nil)
		}
	}
}

// term delivers SIGTERM; kill delivers SIGKILL.
func (p *process) term() {
	if !p.temper.ignoresTerm {
		p.do(p.quit)
	}
}

func (p *process) kill() {
	p.killed = true
	if p.temper.immune {
		p.held, p.stopped = true, true
		return
	}
	p.die("signal: killed")
}

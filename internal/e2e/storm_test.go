//go:build linux

package e2e

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

var seedFlag = flag.Uint64("seed", 0, "of the storm; 0: another one each time")

const (
	stormClients = 6
	stormOrders  = 150 // per client
	stormKills   = 20
)

// storm is a broker that is killed repeatedly while clients fire its tasks.
type storm struct {
	w     *world
	e     *events
	seed  uint64
	tasks []*stormTask
	names map[string]*stormTask // by PACKAGE/NAME

	mu       sync.Mutex
	answered int
	progress chan int // number of answered orders, for the killer
}

// stormTask is a task and the answers to its firings.
type stormTask struct {
	id      task.GUID
	journal task.GUID // its name in the journal
	spec    task.Spec
	event   bool
	fired   map[uint64]string // the answers: number and script
	raised  int               // answered raises that the task accepted
	unknown int               // firings whose answer was lost
}

// TestStorm checks that nothing which the broker has accepted is lost, and that no two
// runs of a task are live at the same time, whatever happens to the broker. The journal
// and the answers are the evidence.
func TestStorm(t *testing.T) {
	s := newStorm(t)
	var clients, killer sync.WaitGroup
	over := make(chan struct{})
	killer.Go(func() { s.kill(over) })
	for i := range stormClients {
		clients.Go(func() { s.client(i) })
	}
	clients.Wait()
	close(over)
	killer.Wait()
	s.drain()
	s.judge()
}

func newStorm(t *testing.T) *storm {
	s := &storm{w: startWorld(t, ""), seed: *seedFlag, names: make(map[string]*stormTask), progress: make(chan int, stormClients*stormOrders)}
	for s.seed == 0 {
		s.seed = rand.Uint64()
	}
	t.Logf("-args -seed %d", s.seed)
	launched, opened := s.w.install("Launched", many), s.w.install("Opened", many)
	s.e = s.w.watch()
	request := func(name string, queue int) task.Spec {
		return task.Spec{Name: name, EntryPoint: manyClass, Trigger: task.ApplicationTrigger{}, Queue: queue}
	}
	exclusive := func(spec task.Spec) task.Spec {
		spec.Exclusive = "key"
		return spec
	}
	queued := event("queued", "second", manyClass)
	queued.Queue = 5
	for _, spec := range []task.Spec{
		event("joined", "first", manyClass), exclusive(event("keyed", "first", manyClass)), exclusive(event("keyed too", "second", manyClass)),
		event("single", "second", singleClass), queued, request("requested", 100), request("one at a time", 0),
	} {
		s.add(launched.Family, spec)
	}
	s.add(opened.Family, event("joined", "first", manyClass))
	s.add(opened.Family, request("requested", 100))
	s.addCommand(launched)
	s.w.open(opened)
	return s
}

func (s *storm) add(family string, spec task.Spec) {
	t := &stormTask{spec: quick(spec), fired: make(map[uint64]string)}
	t.id = s.w.register(family, t.spec)
	t.journal = t.id
	_, t.event = spec.Trigger.(task.CustomSystemEventTrigger)
	s.tasks = append(s.tasks, t)
	s.names[family+"/"+spec.Name] = t
}

// addCommand adds a command task whose command is the application.
func (s *storm) addCommand(p task.Package) {
	s.w.do("add", "command", "--retry", "5", "--", p.Folder+"/"+appName, "command", "once")
	for _, info := range s.w.list() {
		if info.Spec.Name == "command" {
			s.tasks = append(s.tasks, &stormTask{id: info.TaskID, journal: nameID("command"), spec: info.Spec, fired: make(map[uint64]string)})
			return
		}
	}
	s.w.t.Fatal("the command task is not listed")
}

func (w *world) list() []task.Info {
	w.t.Helper()
	infos, err := w.user.Tasks(w.context(), wire.TaskQuery{AllGroups: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return infos
}

// kill kills the broker each time some more firings have been answered.
func (s *storm) kill(over <-chan struct{}) {
	random := rand.New(rand.NewPCG(s.seed, 0))
	answered := 0
	for i := range stormKills {
		next := (i + 1) * stormClients * stormOrders / (stormKills + 1)
		for answered < next {
			select {
			case answered = <-s.progress:
			case <-over:
				return
			}
		}
		time.Sleep(time.Duration(random.IntN(5000)) * time.Microsecond) // anywhere between two answers
		s.w.crash()
		if random.IntN(2) == 0 {
			s.w.start()
		} // otherwise a client starts it
	}
}

// client sends random orders.
func (s *storm) client(i int) {
	random := rand.New(rand.NewPCG(s.seed, uint64(i)+1))
	c := &client.Client{Socket: s.w.socket(), User: true, Start: s.w.restart, Logger: s.w.user.Logger}
	defer c.Close()
	for range stormOrders {
		s.order(c, random)
		s.mu.Lock()
		s.answered++
		s.progress <- s.answered
		s.mu.Unlock()
	}
}

var stormScripts = []string{"", "", "work 2ms", "work 10ms", "once retry", "once fail", "once panic", "once exit", "once kill"}

func (s *storm) order(c *client.Client, random *rand.Rand) {
	script := stormScripts[random.IntN(len(stormScripts))]
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if random.IntN(20) == 0 {
		s.cancel(c, random)
		return
	}
	if n := random.IntN(len(s.tasks) + 3); n >= len(s.tasks) {
		id := []string{"first", "second"}[random.IntN(2)]
		names, err := c.Raise(ctx, id, []byte(script))
		s.raised(id, names, err)
	} else {
		t := s.tasks[n]
		_, own := t.spec.Trigger.(task.ApplicationTrigger)
		number, err := c.Fire(ctx, t.id, client.Firing{Arguments: []byte(script), ByHand: !own || t.spec.Command != nil})
		s.fired(t, number, script, err)
	}
}

// cancel cancels the current run of a random task, if it has one.
func (s *storm) cancel(c *client.Client, random *rand.Rand) {
	t := s.tasks[random.IntN(len(s.tasks))]
	reason := []task.CancellationReason{task.ReasonAbort, task.ReasonTerminating}[random.IntN(2)]
	err := c.Cancel(context.Background(), t.id, reason, false)
	if err != nil && !errors.Is(err, task.ErrInvalid) && !errors.Is(err, task.ErrUnavailable) && !refusal(err) {
		s.w.t.Errorf("cancel %s: %v", t.spec.Name, err)
	}
}

func (s *storm) fired(t *stormTask, number uint64, script string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		if _, twice := t.fired[number]; twice {
			s.w.t.Errorf("%s: two firings were answered with number %d", t.spec.Name, number)
		}
		t.fired[number] = script
	case errors.Is(err, task.ErrUnavailable):
		t.unknown++
	case !refusal(err):
		s.w.t.Errorf("%s: %v", t.spec.Name, err)
	}
}

func (s *storm) raised(id string, names []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		s.names[name].raised++
	}
	switch {
	case err == nil || refusal(err):
	case errors.Is(err, task.ErrUnavailable):
		for _, t := range s.names {
			if t.event {
				t.unknown++
			}
		}
	default:
		s.w.t.Errorf("raise %s: %v", id, err)
	}
}

// refusal reports whether an error says that nothing was accepted.
func refusal(err error) bool {
	for _, may := range []error{task.ErrCurrentlyRunning, task.ErrQueueFull, task.ErrBusy, task.ErrDisabledByPolicy} {
		if errors.Is(err, may) {
			return true
		}
	}
	return false
}

// drain lets everything that is pending run, and resumes tasks that have crashed too
// often.
func (s *storm) drain() {
	s.w.start()
	for _, t := range s.tasks {
		eventually(s.w.t, t.spec.Name+" has nothing pending", func() bool {
			info := s.w.info(t.id)
			switch info.State.Phase {
			case task.Waiting:
				return true
			case task.BackingOff, task.Suspended:
				s.w.resume(t.id)
			}
			return false
		})
		last := s.w.info(t.id).LastEnd
		if last != nil {
			s.e.await(t.spec.Name+": its last end", func(ev task.Event) bool {
				return ev.Kind == task.EventOccurrence && ev.TaskID == t.id && ev.Occurrence.Number == last.Number
			})
		}
	}
}

// judge compares the watcher's events with the answers and the journal.
func (s *storm) judge() {
	all := s.e.list()
	checkSequence(s.w.t, all)
	s.w.checkOverlap()
	stays := make(map[task.GUID][]*stay)
	for _, st := range s.w.stays() {
		stays[st.task] = append(stays[st.task], st)
	}
	total := 0
	for _, t := range s.tasks {
		story := storyOf(t.id, all)
		total += len(story.fired)
		for _, fault := range slices.Concat(story.faults(), s.faults(t, story), journalFaults(t, story, stays[t.journal])) {
			s.w.t.Errorf("%s: %s", t.spec.Name, fault)
		}
	}
	log, err := os.ReadFile(s.w.path("broker.log"))
	if err != nil {
		s.w.t.Fatal(err)
	}
	brokers := bytes.Count(log, []byte(`msg="the broker starts"`))
	s.w.t.Logf("%d firings, %d runs in the journal, %d brokers", total, len(s.w.stays()), brokers)
	if brokers <= stormKills {
		s.w.t.Errorf("only %d brokers took part", brokers)
	}
}

// faults compares the events with the answers. Every answered firing has to be there.
// Others may exist only where the answer was lost.
func (s *storm) faults(t *stormTask, story *story) (faults []string) {
	for number := range t.fired {
		if !slices.Contains(story.fired, number) {
			faults = append(faults, fmt.Sprintf("firing %d was answered, but does not exist", number))
		}
	}
	least := len(t.fired) + t.raised
	if n := len(story.fired); n < least || n > least+t.unknown {
		faults = append(faults, fmt.Sprintf("it fired %d times; %d were answered, the answers to %d were lost", n, least, t.unknown))
	}
	return faults
}

// journalFaults checks that the journal has every run that was entered, and no others.
func journalFaults(t *stormTask, story *story, stays []*stay) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	type try struct {
		number  uint64
		attempt int
	}
	entered := make(map[try]*stay)
	for _, st := range stays {
		at := try{st.number, st.attempt}
		if entered[at] != nil {
			fault("attempt %d at occurrence %d was entered twice", st.attempt, st.number)
		}
		entered[at] = st
		if script, known := t.fired[st.number]; known && t.spec.Command == nil && script != st.script {
			fault("occurrence %d was fired with %q and ran with %q", st.number, script, st.script)
		}
	}
	for _, run := range story.ended {
		st := entered[try{run.Occurrence.Number, run.Attempt}]
		byItself := run.Outcome == task.Completed || run.Outcome == task.Failed || run.Outcome == task.RetryAsked
		switch {
		case st == nil && byItself:
			fault("attempt %d at occurrence %d is %v, but was never entered", run.Attempt, run.Occurrence.Number, run.Outcome)
		case st != nil && byItself && st.to == 0:
			fault("attempt %d at occurrence %d is %v, but never left", run.Attempt, run.Occurrence.Number, run.Outcome)
		}
		delete(entered, try{run.Occurrence.Number, run.Attempt})
	}
	for at := range entered {
		fault("the journal has attempt %d at occurrence %d, but history does not", at.attempt, at.number)
	}
	return faults
}

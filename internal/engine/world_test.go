package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bgtask/bgtask/task"
)

// world is a machine for transcripts: clocks, a store, and short names for ids.
type world struct {
	t       *testing.T
	e       *Engine
	store   *memory
	now     Instant
	cfg     Config
	zone    *time.Location
	wake    time.Duration
	names   map[task.GUID]string // runs, launches: in the order of appearance
	taken   map[string]int       // names given, by kind
	ids     map[string]task.GUID
	tasks   map[string]task.GUID
	hosts   map[string]HostID
	hostPkg map[string]Attached
	boots   int
	request uint64
	quiet   bool // steps are counted, not shown
	prompt  bool // hosts enter Run immediately
	out     strings.Builder
}

func newWorld(t *testing.T) *world {
	zone := mustLoad("Europe/Berlin")
	w := &world{t: t, store: newMemory(), zone: zone, names: map[task.GUID]string{}, taken: map[string]int{}, ids: map[string]task.GUID{}, tasks: map[string]task.GUID{},
		hosts: map[string]HostID{}, hostPkg: map[string]Attached{}, cfg: Config{Seed: 1}}
	w.now = Instant{Wall: time.Date(2026, 11, 20, 8, 0, 0, 0, zone), Boot: time.Hour, Awake: time.Hour, ID: "boot1"}
	w.boots = 1
	return w
}

// start makes the engine at the first command that needs it, so that a transcript
// can set the policy before.
func (w *world) start() {
	if w.e == nil {
		w.restore()
	}
}

func (w *world) restore() {
	saved := w.store.load()
	saved.Zones = map[string]*time.Location{"UTC": time.UTC, "Asia/Tokyo": mustLoad("Asia/Tokyo")}
	e, out := Restore(w.now, w.cfg, saved)
	w.cfg.Seed++ // every broker draws different ids
	w.e = e
	w.perform(out)
}

func (w *world) step(ev Event) {
	w.start()
	w.perform(w.e.Step(w.now, ev))
}

// quietly does steps of which only the events are counted.
func (w *world) quietly(do func()) {
	w.quiet = true
	defer func() { w.quiet = false }()
	do()
}

func (w *world) perform(out Output) {
	if out.Defect != nil {
		w.printf("DEFECT %v", out.Defect)
	}
	w.store.commit(out.Writes)
	w.check(out)
	w.checkFork()
	if w.quiet {
		w.count(out)
	} else {
		w.show(out)
	}
	w.wake = out.Wake
	w.enter(out)
	if out.Wake != 0 && out.Wake <= w.now.Boot && out.Defect == nil {
		w.perform(w.e.Step(w.now, Tick{}))
	}
}

// show prints the events of a step as watchers get them, each followed by the notes
// with its number, and then the other actions.
func (w *world) show(out Output) {
	for _, wr := range out.Writes {
		if a, ok := wr.(Append); ok {
			w.notes(out, a.Event.Seq-1)
			w.event(a.Event)
		}
	}
	w.notes(out, w.e.seq)
	for _, a := range out.Actions {
		if _, ok := a.(Notify); !ok {
			w.action(a)
		}
	}
}

func (w *world) notes(out Output, seq uint64) {
	for _, a := range out.Actions {
		if n, ok := a.(Notify); ok && n.Event.Seq == seq {
			w.note(n.Event)
		}
	}
}

// enter has the hosts say that they have entered Run.
func (w *world) enter(out Output) {
	for _, a := range out.Actions {
		if act, ok := a.(Activate); ok && w.prompt {
			w.step(Accepted{act.Host, act.Activation.Instance})
		}
	}
}

// count shows a step of many registrations by the number of events of each kind.
func (w *world) count(out Output) {
	kinds := map[string]int{}
	for _, wr := range out.Writes {
		if a, ok := wr.(Append); ok {
			w.tasks[a.Event.Name] = a.Event.TaskID
			kinds[a.Event.Kind.String()]++
		}
	}
	var parts []string
	for _, kind := range sortedKeys(kinds) {
		parts = append(parts, fmt.Sprintf("%d %s", kinds[kind], kind))
	}
	if out.Wake == w.now.Boot {
		parts = append(parts, "and a wake at once")
	}
	w.printf("step    %s", strings.Join(parts, ", "))
}

// advance lets time pass; the timer ends when the engine asked for it. Awake time
// stands still when asleep.
func (w *world) advance(d time.Duration) {
	w.start()
	end := w.now.Boot + d
	for n := 0; w.wake != 0 && w.wake <= end; n++ {
		if n > 5000 {
			w.printf("HOT LOOP")
			return
		}
		w.move(w.wake-w.now.Boot, false)
		w.step(Tick{})
	}
	w.move(end-w.now.Boot, false)
	w.step(Tick{})
}

func (w *world) move(d time.Duration, asleep bool) {
	w.now.Wall = w.now.Wall.Add(d)
	w.now.Boot += d
	if !asleep {
		w.now.Awake += d
	}
}

func (w *world) printf(format string, args ...any) {
	fmt.Fprintf(&w.out, "%s  %s\n", w.now.Wall.Format("15:04:05"), fmt.Sprintf(format, args...))
}

func mustLoad(zone string) *time.Location {
	l, err := time.LoadLocation(zone)
	if err != nil {
		panic(err)
	}
	return l
}

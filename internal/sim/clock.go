package sim

import (
	"container/heap"
	"fmt"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
)

// clocks are the clocks of the virtual machine.
type clocks struct {
	now       engine.Instant
	spent     time.Duration // awake time over all boots; the agenda uses it
	real      time.Duration // time that has really passed
	drift     time.Duration // by which the wall clock of this boot is off, until it is corrected
	wrong     time.Duration // by which a broker found the wall clock behind, until it is corrected
	unwritten bool          // a step of the wall clock that no broker has stored yet
	exact     bool          // the machine's clocks show how much time has passed
	boots     int
}

// zones are the places where the machine may be. They have fixed offsets, so that a
// history needs no time zone database.
var zones = []*time.Location{time.UTC, time.FixedZone("CET", 3600), time.FixedZone("IST", 19800)}

func newClocks() clocks {
	return clocks{boots: 1, exact: true, now: engine.Instant{
		Wall: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC), Boot: time.Minute, Awake: time.Minute, ID: "boot1"}}
}

func (c *clocks) pass(d time.Duration) {
	c.now.Wall = c.now.Wall.Add(d)
	c.now.Boot += d
	c.now.Awake += d
	c.spent += d
	c.real += d
}

func (c *clocks) sleep(d time.Duration) {
	c.now.Wall = c.now.Wall.Add(d)
	c.now.Boot += d
	c.real += d
}

func (c *clocks) step(d time.Duration) { c.now.Wall = c.now.Wall.Add(d) }

// reboot starts the machine again after the time off. Its wall clock is then wrong by
// drift.
func (c *clocks) reboot(off, drift time.Duration) {
	c.boots++
	c.real += off
	c.now = engine.Instant{Wall: c.now.Wall.Add(off + drift), Boot: 20 * time.Second, Awake: 20 * time.Second, ID: fmt.Sprintf("boot%d", c.boots)}
}

// item is something that will happen at a time.
type item struct {
	at    time.Duration
	order uint64
	do    func()
}

// agenda is what will happen, ordered by time and then by when it was planned.
type agenda struct {
	items []item
	order uint64
}

func (a *agenda) at(at time.Duration, do func()) {
	a.order++
	heap.Push(a, item{at, a.order, do})
}

func (a *agenda) first() (time.Duration, bool) {
	if len(a.items) == 0 {
		return 0, false
	}
	return a.items[0].at, true
}

func (a *agenda) take() item { return heap.Pop(a).(item) }

func (a *agenda) Len() int { return len(a.items) }
func (a *agenda) Less(i, j int) bool {
	x, y := a.items[i], a.items[j]
	return x.at < y.at || x.at == y.at && x.order < y.order
}
func (a *agenda) Swap(i, j int) { a.items[i], a.items[j] = a.items[j], a.items[i] }
func (a *agenda) Push(x any)    { a.items = append(a.items, x.(item)) }
func (a *agenda) Pop() any {
	last := a.items[len(a.items)-1]
	a.items = a.items[:len(a.items)-1]
	return last
}

// Deadlines: one heap for each clock. Every state that can end because time passes has
// a timer in one of the heaps, and Wake is the earliest of them.

package engine

import (
	"container/heap"
	"time"
)

// timer is a deadline of its owner, on the clock of the heap that contains it.
type timer struct {
	at    time.Duration
	index int // in the heap, from 1; 0: not armed
	tie   uint64
	owner interface{ due(*Engine) }
}

// timers is a heap of deadlines. Equal deadlines come in the order in which they were
// armed, so that the same events give the same output.
type timers struct {
	heap []*timer
	tie  uint64
}

// arm sets t to the time at. A time of 0 or less disarms it.
func (ts *timers) arm(t *timer, at time.Duration) {
	switch {
	case at <= 0 && t.index == 0:
	case at <= 0:
		heap.Remove(ts, t.index-1)
	case t.index == 0:
		ts.tie++
		t.at, t.tie = at, ts.tie
		heap.Push(ts, t)
	case t.at != at:
		t.at = at
		heap.Fix(ts, t.index-1)
	}
}

// next removes and returns a deadline that has come, or nil if there is none.
func (ts *timers) next(now time.Duration) *timer {
	if len(ts.heap) == 0 || ts.heap[0].at > now {
		return nil
	}
	return heap.Pop(ts).(*timer)
}

func (ts *timers) first() (time.Duration, bool) {
	if len(ts.heap) == 0 {
		return 0, false
	}
	return ts.heap[0].at, true
}

func (ts *timers) Len() int { return len(ts.heap) }
func (ts *timers) Less(i, j int) bool {
	a, b := ts.heap[i], ts.heap[j]
	return a.at < b.at || a.at == b.at && a.tie < b.tie
}
func (ts *timers) Swap(i, j int) {
	ts.heap[i], ts.heap[j] = ts.heap[j], ts.heap[i]
	ts.heap[i].index, ts.heap[j].index = i+1, j+1
}
func (ts *timers) Push(x any) {
	t := x.(*timer)
	ts.heap = append(ts.heap, t)
	t.index = len(ts.heap)
}
func (ts *timers) Pop() any {
	last := len(ts.heap) - 1
	t := ts.heap[last]
	ts.heap[last] = nil
	ts.heap = ts.heap[:last]
	t.index = 0
	return t
}

// earlier returns the smaller of two deadlines, where 0 means none.
func earlier(a, b time.Duration) time.Duration {
	if a <= 0 || b > 0 && b < a {
		return b
	}
	return a
}

// wallTime returns an instant of the wall clock as a deadline.
func wallTime(t time.Time) time.Duration { return time.Duration(t.UnixNano()) }

//go:build linux

package loop

import (
	"context"
	"sync"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// item is one thing for the loop to do: to step an event, or to answer a query.
type item struct {
	event engine.Event
	query func(now engine.Instant)
	taken func() // called when the loop has taken the item; may be nil
}

// inbox is the queue of what waits for the loop. It is bounded: a request that finds
// it full is refused, a host's stream waits for room, and of each source's facts only
// the latest values are kept.
type inbox struct {
	limit int

	mu    sync.Mutex
	queue []item
	last  map[string]int // the index in queue of each source's last report
	ready chan struct{}  // holds one token while the queue is not empty
	room  chan struct{}  // closed when there is room again; nil while nothing waits for it
}

func newInbox(limit int) *inbox {
	return &inbox{
		limit: limit,
		last:  make(map[string]int),
		ready: make(chan struct{}, 1),
	}
}

// offer queues a request or a query, or refuses it with ErrBusy.
func (b *inbox) offer(it item) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) >= b.limit {
		return &task.Error{Err: task.ErrBusy, Detail: "the broker has too many requests waiting", Hint: "try again in a moment"}
	}
	b.append(it)
	return nil
}

// put queues what must not be refused: outcomes, exits, cancels. It waits for room,
// which slows down only the peer that sent the item.
func (b *inbox) put(ctx context.Context, it item) error {
	for {
		b.mu.Lock()
		if len(b.queue) < b.limit {
			b.append(it)
			b.mu.Unlock()
			return nil
		}
		if b.room == nil {
			b.room = make(chan struct{})
		}
		room := b.room
		b.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// report queues facts and never waits. In a full inbox they are merged into the
// source's last report, so the edge of a fact that came and went may be lost.
func (b *inbox) report(facts engine.FactsReported) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i, ok := b.last[facts.Source]; ok && len(b.queue) >= b.limit {
		earlier := b.queue[i].event.(engine.FactsReported)
		b.queue[i].event = merge(earlier, facts)
		return
	}
	b.last[facts.Source] = len(b.queue)
	b.append(item{event: facts}) // beyond the limit by at most one item for each source
}

// urge queues an event of the broker itself, even in a full inbox.
func (b *inbox) urge(ev engine.Event) { b.push(item{event: ev}) }

func (b *inbox) push(it item) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.append(it)
}

func (b *inbox) append(it item) {
	b.queue = append(b.queue, it)
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

// take removes at most n items, oldest first.
func (b *inbox) take(n int) []item {
	b.mu.Lock()
	defer b.mu.Unlock()
	n = min(n, len(b.queue))
	taken := b.queue[:n:n]
	b.queue = b.queue[n:]
	for source, i := range b.last {
		if i < n {
			delete(b.last, source)
		} else {
			b.last[source] = i - n
		}
	}
	if len(b.queue) == 0 {
		b.queue = nil
	} else {
		select {
		case b.ready <- struct{}{}:
		default:
		}
	}
	if b.room != nil && len(b.queue) < b.limit {
		close(b.room)
		b.room = nil
	}
	return taken
}

// merge returns the first report with the later one laid over it.
func merge(first, later engine.FactsReported) engine.FactsReported {
	facts := append([]task.Fact(nil), first.Facts...)
	at := make(map[string]int, len(facts))
	for i, f := range facts {
		at[f.Name] = i
	}
	for _, f := range later.Facts {
		if i, ok := at[f.Name]; ok {
			facts[i] = f
			continue
		}
		at[f.Name] = len(facts)
		facts = append(facts, f)
	}
	return engine.FactsReported{Source: later.Source, Facts: facts}
}

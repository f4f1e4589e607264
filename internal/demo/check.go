//go:build linux

package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// agreesWithSieve compares every number in the file with a sieve of Eratosthenes,
// an algorithm independent of the task's trial division.
func agreesWithSieve(file string) (int, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	words := strings.Split(string(text), ", ")
	last, err := strconv.Atoi(words[len(words)-1])
	if err != nil {
		return 0, err
	}
	composite := make([]bool, last+1)
	i := 0
	for n := 2; n <= last; n++ {
		if composite[n] {
			continue
		}
		for m := n * n; m <= last; m += n {
			composite[m] = true
		}
		if i >= len(words) || words[i] != strconv.Itoa(n) {
			return 0, fmt.Errorf("the sieve says %d is prime number %d, the file has %q", n, i+1, words[min(i, len(words)-1)])
		}
		i++
	}
	if i != len(words) {
		return 0, fmt.Errorf("the file has %d numbers, the sieve %d primes", len(words), i)
	}
	return i, nil
}

// processesIn returns the pids of the processes whose executable is in dir.
func processesIn(dir string) []string {
	var left []string
	links, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, link := range links {
		exe, err := os.Readlink(link)
		if err == nil && strings.HasPrefix(exe, dir+string(filepath.Separator)) {
			left = append(left, filepath.Base(filepath.Dir(link)))
		}
	}
	return left
}

// events is the broker's stream of events.
type events struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
	seen   chan task.Event
}

// follow starts to watch all events. It returns when the initial snapshot is
// complete.
func follow(c *client.Client) *events {
	ctx, cancel := context.WithCancel(context.Background())
	e := &events{cancel: cancel, seen: make(chan task.Event, 4096)}
	synced := make(chan struct{})
	e.done.Go(func() {
		defer close(e.seen)
		for ev, err := range c.Watch(ctx, wire.WatchQuery{}) {
			if err != nil {
				break
			}
			if ev.Kind == task.EventSynced {
				close(synced)
				continue
			}
			select {
			case e.seen <- ev:
			case <-ctx.Done():
			}
		}
	})
	<-synced
	return e
}

// await returns the next event of this kind and discards those before it.
func (e *events) await(ctx context.Context, kind task.EventKind) (task.Event, error) {
	for {
		select {
		case ev, ok := <-e.seen:
			if !ok {
				return ev, errGone
			}
			if ev.Kind == kind {
				return ev, nil
			}
		case <-ctx.Done():
			return task.Event{}, fmt.Errorf("waiting for %v: %w", kind, ctx.Err())
		}
	}
}

func (e *events) stop() {
	e.cancel()
	e.done.Wait()
}

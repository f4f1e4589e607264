//go:build linux

package source

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bgtask/bgtask/internal/source/sourcetest"
	"github.com/bgtask/bgtask/task"
)

const serveHere = "SOURCE_TEST_SERVE"

func TestMain(m *testing.M) {
	if os.Getenv(serveHere) != "" {
		serve()
		return
	}
	goleak.VerifyTestMain(m)
}

// recorder is a Sink that a test can wait on.
type recorder struct {
	mu     sync.Mutex
	facts  map[string]task.Fact
	states map[string]task.SourceState
	log    []string // "Source: up", "name=value", in order
	more   chan struct{}
}

func newRecorder() *recorder {
	return &recorder{facts: map[string]task.Fact{}, states: map[string]task.SourceState{}, more: make(chan struct{}, 1)}
}

func (r *recorder) Facts(source string, facts []task.Fact) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range facts {
		if f.Source == "" {
			panic("a fact without a source: " + f.Name)
		}
		r.facts[f.Name] = f
		r.log = append(r.log, f.Name+"="+f.Value.String())
	}
	hints(r.more).give()
}

func (r *recorder) State(s task.SourceState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states[s.Name] = s
	r.log = append(r.log, s.Name+": "+s.Status.String())
	hints(r.more).give()
}

// until waits until ok holds.
func (r *recorder) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	late := time.After(sourcetest.Patience)
	for {
		r.mu.Lock()
		done := ok()
		r.mu.Unlock()
		if done {
			return
		}
		select {
		case <-r.more:
		case <-late:
			r.mu.Lock()
			defer r.mu.Unlock()
			t.Fatalf("timed out waiting for %s; facts %v, states %v", what, r.facts, r.states)
		}
	}
}

// fact waits for a value.
func (r *recorder) fact(t *testing.T, name string, want task.Value) {
	t.Helper()
	r.until(t, name+"="+want.String(), func() bool {
		f, ok := r.facts[name]
		return ok && f.Value == want
	})
}

// state waits for a status.
func (r *recorder) state(t *testing.T, name string, want task.SourceStatus) {
	t.Helper()
	r.until(t, name+" "+want.String(), func() bool {
		s, ok := r.states[name]
		return ok && s.Status == want
	})
}

func (r *recorder) detail(name string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.facts[name].Detail
}

// start runs chains until the test ends or the returned function is called.
func start(t *testing.T, chains ...Chain) (*recorder, func()) {
	t.Helper()
	r := newRecorder()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		Run(ctx, chains, r)
	}()
	stop := func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return r, stop
}

func one(name string, facts []string, s Source) Chain {
	return Chain{{Name: name, Facts: facts, Source: s}}
}

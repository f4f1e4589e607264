//go:build linux

package broker

import (
	"strings"
	"sync"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// sink takes what the machine's sources say.
type sink struct{ inbox *inbox }

func (s sink) Facts(source string, facts []task.Fact) {
	s.inbox.report(engine.FactsReported{Source: source, Facts: facts})
}

func (s sink) State(state task.SourceState) {
	s.inbox.urge(engine.SourceChanged{State: state})
}

// externals are the sources outside of the broker, one stream for each name.
type externals struct {
	mu    sync.Mutex
	names map[string]bool
}

// newExternals takes the names that are taken.
func newExternals(own []string) *externals {
	x := &externals{names: make(map[string]bool)}
	for _, name := range own {
		x.names[name] = true
	}
	return x
}

func (x *externals) enter(name string) (leave func(), err error) {
	if name == "" || strings.ContainsAny(name, "/\n") {
		return nil, &task.Error{Subject: name, Err: task.ErrInvalid, Detail: "a source has a name, without \"/\""}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.names[name] {
		return nil, &task.Error{Subject: name, Err: task.ErrConflict, Detail: "there is a source of this name"}
	}
	if len(x.names) >= maxSources {
		return nil, &task.Error{Subject: name, Err: task.ErrLimit, Detail: "there are too many sources"}
	}
	x.names[name] = true
	return func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		delete(x.names, name)
	}, nil
}

const maxSources = 256

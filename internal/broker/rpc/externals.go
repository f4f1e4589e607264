//go:build linux

package rpc

import (
	"fmt"
	"strings"
	"sync"

	"github.com/bgtask/bgtask/task"
)

const maxSources = 256

// externals are the names of the sources, with one stream for each external source.
type externals struct {
	mu    sync.Mutex
	names map[string]bool
}

// newExternals takes the names of the broker's own sources.
func newExternals(own []string) *externals {
	x := &externals{names: make(map[string]bool)}
	for _, name := range own {
		x.names[name] = true
	}
	return x
}

func (x *externals) enter(name string) (leave func(), err error) {
	if name == "" || strings.ContainsAny(name, "/\n") {
		return nil, &task.Error{Subject: name, Err: task.ErrInvalid, Detail: "a source needs a name without \"/\" and line breaks"}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.names[name] {
		return nil, &task.Error{Subject: name, Err: task.ErrConflict, Detail: "another source with this name is reporting"}
	}
	if len(x.names) >= maxSources {
		return nil, &task.Error{Subject: name, Err: task.ErrLimit, Detail: fmt.Sprintf("there can be at most %d sources", maxSources)}
	}
	x.names[name] = true
	return func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		delete(x.names, name)
	}, nil
}

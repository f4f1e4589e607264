//go:build linux

package broker

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/store"
	"github.com/bgtask/bgtask/task"
)

// removals are the packages whose folders are being removed: who wants to install
// one of them again waits.
type removals struct {
	mu    sync.Mutex
	going map[string]chan struct{} // by family; closed when it is gone
}

func newRemovals() *removals { return &removals{going: make(map[string]chan struct{})} }

func (r *removals) begin(family string) (done func()) {
	gone := make(chan struct{})
	r.mu.Lock()
	r.going[family] = gone
	r.mu.Unlock()
	return func() {
		r.mu.Lock()
		delete(r.going, family)
		r.mu.Unlock()
		close(gone)
	}
}

// settled returns when nothing of the package is being removed.
func (r *removals) settled(ctx context.Context, family string) error {
	r.mu.Lock()
	gone := r.going[family]
	r.mu.Unlock()
	if gone == nil {
		return nil
	}
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// removeFolders removes what a package left: its data, and what its servers wrote.
// Its program goes with its last process, see sweep. A folder that it was registered
// in is its user's and stays. It is called by the loop.
func (b *broker) removeFolders(p task.Package, keepData bool) {
	done := b.removals.begin(p.Family)
	b.background.Go(func() {
		defer done()
		if !keepData {
			b.removeData(p.Family)
			b.removeOutput(p.Family)
		}
		b.inbox.urge(engine.FoldersRemoved{Package: p.Family})
		b.inbox.push(item{query: func(engine.Instant) { b.system.hint() }}) // one of the system's may have been behind it
	})
}

func (b *broker) removeData(family string) {
	root := filepath.Join(b.cfg.StateDir, "packages")
	folder := filepath.Join(root, family)
	if filepath.Dir(folder) != root {
		return
	}
	if err := removeTree(folder); err != nil {
		b.log.Error("data of a removed package is still there", "package", family, "folder", folder, "err", err)
	}
}

// removeOutput removes the output of the launches that history knows. Its runs stay
// in history.
func (b *broker) removeOutput(family string) {
	q := store.Query{Package: family, Kinds: []task.EventKind{task.EventEnded}, Limit: historyPage}
	for {
		events, err := b.store.History(b.life, q)
		if err != nil {
			if b.life.Err() == nil {
				b.log.Error("output of a removed package is still there", "package", family, "err", err)
			}
			return
		}
		for _, ev := range events {
			if ev.Run != nil && !ev.Run.Launch.IsZero() {
				b.recorder.Forget(ev.Run.Launch)
			}
		}
		if len(events) < historyPage {
			return
		}
		q.Before = events[len(events)-1].Seq
	}
}

// removeTree is os.RemoveAll for folders that their owner has made read-only, too.
func removeTree(folder string) error {
	err := os.RemoveAll(folder)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			os.Chmod(path, 0o700)
		}
		return nil
	})
	return os.RemoveAll(folder)
}

//go:build linux

package packages

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/store"
	"github.com/bgtask/bgtask/task"
)

// remover removes what uninstalled packages left.
type remover struct {
	loop       *loop.Handle
	log        *slog.Logger
	data       string // the folder of all packages' data
	history    History
	forget     func(task.LaunchToken) // removes the output of a launch
	background *sync.WaitGroup
	removed    func() // called on the loop when the engine knows that a package's folders are gone

	mu    sync.Mutex
	going map[string]chan struct{} // by family; closed when its folders are gone
}

func newRemover(c Config) *remover {
	return &remover{
		loop: c.Loop, log: c.Log, data: filepath.Join(c.StateDir, "packages"), history: c.History, forget: c.Supervisor.Forget,
		background: c.Background, going: make(map[string]chan struct{}),
	}
}

func (r *remover) begin(family string) (done func()) {
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

// settled returns when nothing of the package is being removed, so that it can be
// installed again.
func (r *remover) settled(ctx context.Context, family string) error {
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

// remove removes what a package left: its data, and what its servers wrote. Its program
// goes when its last process has ended, see sweep.go. A folder that it was installed from
// belongs to the user and stays. It is called on the loop.
func (r *remover) remove(p task.Package, keepData bool) {
	done := r.begin(p.Family)
	r.background.Go(func() {
		defer done()
		if !keepData {
			r.removeData(p.Family)
			r.removeOutput(p.Family)
		}
		r.loop.Urge(engine.FoldersRemoved{Package: p.Family})
		r.loop.Defer(r.removed) // the system may have a package that this one hid
	})
}

func (r *remover) removeData(family string) {
	folder := filepath.Join(r.data, family)
	if filepath.Dir(folder) != r.data {
		return
	}
	if err := removeTree(folder); err != nil {
		r.log.Error("cannot remove the data of a removed package", "package", family, "folder", folder, "err", err)
	}
}

const historyPage = 500

// removeOutput removes the output of all launches that history knows of. The runs stay in
// history.
func (r *remover) removeOutput(family string) {
	q := store.Query{Package: family, Kinds: []task.EventKind{task.EventEnded}, Limit: historyPage}
	life := r.loop.Life()
	for {
		events, err := r.history.History(life, q)
		if err != nil {
			if life.Err() == nil {
				r.log.Error("cannot remove the output of a removed package", "package", family, "err", err)
			}
			return
		}
		for _, ev := range events {
			if ev.Run != nil && !ev.Run.Launch.IsZero() {
				r.forget(ev.Run.Launch)
			}
		}
		if len(events) < historyPage {
			return
		}
		q.Before = events[len(events)-1].Seq
	}
}

// removeTree is os.RemoveAll, but also removes folders that their owner has made
// read-only.
func removeTree(folder string) error {
	err := os.RemoveAll(folder)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	// What cannot be changed here cannot be removed below, which returns the error.
	_ = filepath.WalkDir(folder, func(path string, d fs.DirEntry, _ error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	return os.RemoveAll(folder)
}

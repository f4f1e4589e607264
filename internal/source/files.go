//go:build linux

package source

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/bgtask/bgtask/task"
)

// maxIntake is the number of changed paths kept between two updates. If there are
// more, all trees are read again.
const maxIntake = 16 * task.MaxChangedPaths

// files feeds StorageLibraryContentChangedTrigger.
//
// Each watched directory has an inotify watch. A change is noted and the
// registration fires after its tree has been quiet for its Settle time. Each tree
// has a sum over names, sizes and modification times; it is stored when the
// registration fires. A broker that starts later compares the sums, so a change
// while no broker ran fires too. The work is done by a library (library.go) over
// trees (filetree.go).
type files struct {
	*wishes
	dir    string
	events Events
}

// NewFiles returns a watcher of files. It stores the sums of the trees in dir.
func NewFiles(dir string, events Events) Watcher {
	return &files{newWishes(), dir, events}
}

// Entry implements Watcher.
func (f *files) Entry() Entry {
	return Entry{Name: "inotify", Triggers: []string{task.StorageLibraryContentChangedTrigger{}.Class()}, Source: f}
}

// Check implements Watcher. A path need not exist.
func (f *files) Check(t task.Trigger) error {
	w, ok := t.(task.StorageLibraryContentChangedTrigger)
	switch {
	case !ok || len(w.Paths) == 0:
		return refuse(task.ErrInvalid, "a StorageLibraryContentChangedTrigger needs a path", "")
	case len(w.Paths) > task.MaxWatchedPaths:
		return refuse(task.ErrLimit, "%d paths; at most %d are allowed", "watch a directory that contains them", len(w.Paths), task.MaxWatchedPaths)
	case w.Settle < 0:
		return refuse(task.ErrInvalid, "Settle is negative: %s", "", w.Settle)
	}
	for _, p := range w.Paths {
		if !filepath.IsAbs(p) {
			return refuse(task.ErrInvalid, "the path %q is not absolute", "", p)
		}
		for _, dir := range []string{"/proc", "/sys"} {
			if within(filepath.Clean(p), dir) {
				return refuse(task.ErrInvalid, "the kernel does not report changes below %s", "", dir)
			}
		}
	}
	return nil
}

// Watch implements Source.
func (f *files) Watch(ctx context.Context, report func(...task.Fact)) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("start inotify: %w", explainLimit(err))
	}
	in := &intake{hints: f.hints, changed: map[string]bool{}}
	var pump sync.WaitGroup
	pump.Go(func() { in.run(w) })
	defer pump.Wait()
	defer func() { _ = w.Close() }()
	l := &library{files: f, notify: w, all: map[task.GUID]*watched{}, dirs: map[string]int{}}
	report()
	return follow(ctx, f.hints, nil, func(ctx context.Context) (time.Duration, error) {
		l.apply(ctx, of[task.StorageLibraryContentChangedTrigger](f.wishes))
		changed, lost := in.take()
		l.update(ctx, changed, lost)
		return l.fire(ctx), ctx.Err()
	})
}

// intake collects inotify events in its own goroutine. That is necessary because
// fsnotify may block on its channels while it adds a watch.
type intake struct {
	hints   hints
	mu      sync.Mutex
	changed map[string]bool // by path: whether more than its attributes changed
	lost    bool
}

func (i *intake) run(w *fsnotify.Watcher) {
	for {
		select {
		case e, ok := <-w.Events:
			if !ok {
				return
			}
			i.add(e)
		case _, ok := <-w.Errors: // the kernel's queue overflowed
			if !ok {
				return
			}
			i.mu.Lock()
			i.lost = true
			i.mu.Unlock()
		}
		i.hints.give()
	}
}

func (i *intake) add(e fsnotify.Event) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case e.Name == "": // fsnotify's internal event
	case len(i.changed) >= maxIntake:
		i.lost = true
	default:
		i.changed[e.Name] = i.changed[e.Name] || e.Op != fsnotify.Chmod
	}
}

func (i *intake) take() (changed map[string]bool, lost bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	changed, lost = i.changed, i.lost
	i.changed, i.lost = map[string]bool{}, false
	return changed, lost
}

// explainLimit replaces an error about one of the kernel's inotify limits with
// one that says how to raise it.
func explainLimit(err error) error {
	name := ""
	switch {
	case errors.Is(err, syscall.ENOSPC):
		name = "fs.inotify.max_user_watches"
	case errors.Is(err, syscall.EMFILE):
		name = "fs.inotify.max_user_instances"
	default:
		return err
	}
	return refuse(task.ErrLimit, "the kernel's inotify limit for this user is reached", "increase "+name+" with sysctl")
}

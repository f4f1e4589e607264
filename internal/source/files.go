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

// defaultSettle is how long a tree has to be quiet before it fires, where the
// trigger does not say.
const defaultSettle = 2 * time.Second

// maxIntake is how many changed paths are kept between two looks at them. More
// are a reason to read the trees again.
const maxIntake = 16 * task.MaxChangedPaths

// files feeds StorageLibraryContentChangedTrigger.
type files struct {
	*wishes
	dir    string
	events Events
}

// NewFiles makes a watcher of files. What it saw last it keeps in dir, so that
// a change while the broker was down fires, too.
func NewFiles(dir string, events Events) Watcher {
	return &files{newWishes(), dir, events}
}

// Entry implements Watcher.
func (f *files) Entry() Entry {
	return Entry{Name: "inotify", Triggers: []string{task.StorageLibraryContentChangedTrigger{}.Class()}, Source: f}
}

// Check implements Watcher. A path need not exist yet.
func (f *files) Check(t task.Trigger) error {
	w, ok := t.(task.StorageLibraryContentChangedTrigger)
	switch {
	case !ok || len(w.Paths) == 0:
		return refuse(task.ErrInvalid, "a StorageLibraryContentChangedTrigger needs a path", "")
	case len(w.Paths) > task.MaxWatchedPaths:
		return refuse(task.ErrLimit, "%d paths, %d are allowed", "watch a directory above them", len(w.Paths), task.MaxWatchedPaths)
	case w.Settle < 0:
		return refuse(task.ErrInvalid, "a negative Settle: %s", "", w.Settle)
	}
	for _, p := range w.Paths {
		if !filepath.IsAbs(p) {
			return refuse(task.ErrInvalid, "the path %q is not absolute", "", p)
		}
		for _, dir := range []string{"/proc", "/sys"} {
			if within(filepath.Clean(p), dir) {
				return refuse(task.ErrInvalid, "the kernel tells of no changes below %s", "", dir)
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
	defer w.Close()
	l := &library{files: f, notify: w, all: map[task.GUID]*watched{}, dirs: map[string]int{}}
	report()
	return follow(ctx, f.hints, nil, func(ctx context.Context) (time.Duration, error) {
		l.apply(ctx, of[task.StorageLibraryContentChangedTrigger](f.wishes))
		changed, lost := in.take()
		l.update(ctx, changed, lost)
		return l.fire(ctx), ctx.Err()
	})
}

// intake collects what inotify says. It has a goroutine of its own: fsnotify can
// wait for its channels to be read while it is asked to watch more.
type intake struct {
	hints   hints
	mu      sync.Mutex
	changed map[string]bool // by path: more than its attributes
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
		case _, ok := <-w.Errors: // the kernel's queue ran over
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
	case e.Name == "": // fsnotify's own
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

// explainLimit says what to do about the kernel's limits on inotify.
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
	return refuse(task.ErrLimit, "the kernel watches no more directories for this user", "raise "+name+" with sysctl")
}

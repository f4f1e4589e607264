//go:build linux

package source

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/bgtask/bgtask/task"
)

// library is the set of all watched files. It belongs to one goroutine.
//
// A registration has one tree for each of its paths. When a change arrives, the
// tree's stale parts are left (their watches and sums dropped) and entered again
// (read and watched again). The registration is then touched: it fires once it has
// not been touched for its Settle time.
type library struct {
	*files
	notify *fsnotify.Watcher
	all    map[task.GUID]*watched
	dirs   map[string]int // by watched directory: number of trees that need it
}

// watched is the state of one registration.
type watched struct {
	id     task.GUID
	wanted task.StorageLibraryContentChangedTrigger
	trees  []*tree
	fired  uint64 // sum when it last fired

	due      time.Time       // when it has been quiet for long enough; zero if nothing changed
	certain  bool            // whether more than attributes changed
	paths    map[string]bool // changed paths, for the details of the run
	overflow bool            // whether there were more paths
	dirty    map[string]bool // directories to read again before firing

	trouble error
}

// apply starts and stops watching so that exactly the wanted registrations are
// watched.
func (l *library) apply(ctx context.Context, wanted map[task.GUID]task.StorageLibraryContentChangedTrigger) {
	for id, w := range l.all {
		t, ok := wanted[id]
		if ok && slices.Equal(t.Paths, w.wanted.Paths) && t.Settle == w.wanted.Settle {
			continue
		}
		for _, t := range w.trees {
			l.leave(t, t.root)
		}
		delete(l.all, id)
		if !ok {
			forgetSum(l.dir, id)
		}
	}
	for id, t := range wanted {
		if l.all[id] == nil && ctx.Err() == nil {
			l.all[id] = l.begin(ctx, id, t)
		}
	}
}

// begin reads the trees of a registration. It fires if they differ from the
// stored sum.
func (l *library) begin(ctx context.Context, id task.GUID, wanted task.StorageLibraryContentChangedTrigger) *watched {
	w := &watched{id: id, wanted: wanted}
	w.quiet()
	for _, p := range wanted.Paths {
		t := &tree{root: filepath.Clean(p), sums: map[string]uint64{}}
		w.trees = append(w.trees, t)
		l.enter(ctx, w, t, t.root, ignore)
	}
	if ctx.Err() != nil {
		return w // incomplete: the sum means nothing
	}
	w.fired = w.sum()
	err := error(nil)
	if last, ok := loadSum(l.dir, id, wanted.Paths); ok && last != w.fired {
		err = l.deliver(w, task.StorageLibraryContentChangedTriggerDetails{Overflow: true})
	} else if !ok {
		err = saveSum(l.dir, id, wanted.Paths, w.fired)
	}
	l.events.Trouble(id, cmp.Or(w.trouble, err))
	return w
}

// enter reads and watches path, which is in t, and everything below it.
func (l *library) enter(ctx context.Context, w *watched, t *tree, path string, found func(string)) {
	err := t.scan(ctx, path, l.watch, found)
	if path == t.root {
		err = errors.Join(err, l.anchor(t))
	}
	if err != nil && ctx.Err() == nil {
		w.trouble = explainLimit(err)
	}
}

// leave drops path, which is in t, and everything below it.
func (l *library) leave(t *tree, path string) {
	t.forget(path, l.unwatch)
	if path == t.root && t.anchor != "" {
		l.unwatch(t.anchor)
		t.anchor = ""
	}
}

// anchor watches the nearest existing directory above a root that is a file or
// does not exist. Changes of the root are seen from there.
func (l *library) anchor(t *tree) error {
	if info, err := stat(t.root, true); err == nil && info.IsDir() {
		return nil
	}
	for dir := filepath.Dir(t.root); ; dir = filepath.Dir(dir) {
		err := l.watch(dir)
		if err == nil {
			t.anchor = dir
			return nil
		}
		if !errors.Is(err, syscall.ENOENT) && !errors.Is(err, syscall.ENOTDIR) || dir == filepath.Dir(dir) {
			return err
		}
	}
}

func (l *library) watch(dir string) error {
	if l.dirs[dir] == 0 {
		if err := l.notify.Add(dir); err != nil {
			return err
		}
	}
	l.dirs[dir]++
	return nil
}

func (l *library) unwatch(dir string) {
	if l.dirs[dir]--; l.dirs[dir] <= 0 {
		delete(l.dirs, dir)
		_ = l.notify.Remove(dir) // fails if the directory was deleted: the kernel removed the watch then
	}
}

// update brings the trees up to date with the changes. All stale parts are left
// before any is entered: a directory that moved keeps its kernel watch under its
// new name, and leaving the old name afterwards would remove that watch.
func (l *library) update(ctx context.Context, changed map[string]bool, lost bool) {
	var enter []func()
	for _, w := range l.all {
		for _, t := range w.trees {
			if lost {
				w.touch(false)
				w.overflow = true
				l.leave(t, t.root)
				enter = append(enter, func() { l.enter(ctx, w, t, t.root, ignore) })
				continue
			}
			for path, certain := range changed {
				if again := l.change(w, t, path, certain); again != "" {
					enter = append(enter, func() { l.enter(ctx, w, t, again, w.note) })
				}
			}
		}
	}
	for _, f := range enter {
		f()
	}
}

// change notes a changed path. If the path has to be read again, it is left, and
// the path to enter is returned.
func (l *library) change(w *watched, t *tree, path string, certain bool) (enter string) {
	switch {
	case within(path, t.root):
		w.touch(certain)
		w.note(path)
		if path != t.root {
			w.dirty[filepath.Dir(path)] = true
		}
		if _, known := t.sums[path]; path != t.root && (!certain || !known && !isDir(path)) {
			return ""
		}
		l.leave(t, path)
		return path
	case within(t.root, path) && certain: // a directory above came or went
		w.touch(false)
		l.leave(t, t.root)
		return t.root
	}
	return ""
}

// touch restarts the time that the tree must be quiet.
func (w *watched) touch(certain bool) {
	settle := w.wanted.Settle
	if settle == 0 {
		settle = task.ContentSettle
	}
	w.due = time.Now().Add(settle)
	w.certain = w.certain || certain
}

// note adds a changed path to the details of the next run.
func (w *watched) note(path string) {
	if len(w.paths) < task.MaxChangedPaths {
		w.paths[path] = true
	} else if !w.paths[path] {
		w.overflow = true
	}
}

func ignore(string) {}

// fire settles the registrations that have been quiet for long enough. It returns
// the time until the next one will be, or zero.
func (l *library) fire(ctx context.Context) (again time.Duration) {
	for _, w := range l.all {
		if w.due.IsZero() || ctx.Err() != nil {
			continue
		}
		if wait := time.Until(w.due); wait > 0 {
			if again == 0 || wait < again {
				again = wait
			}
			continue
		}
		l.settle(w)
	}
	return again
}

// settle reads what changed again and fires. A change of attributes alone fires
// only if a modification time, size or kind differs.
func (l *library) settle(w *watched) {
	for dir := range w.dirty {
		for _, t := range w.trees {
			if _, known := t.sums[dir]; known {
				_, _ = t.list(dir, ignore)
			}
		}
	}
	sum, details := w.sum(), task.StorageLibraryContentChangedTriggerDetails{
		Paths: slices.Sorted(maps.Keys(w.paths)), Overflow: w.overflow}
	fires := w.certain || sum != w.fired
	w.fired = sum
	w.quiet()
	err := error(nil)
	if fires {
		err = l.deliver(w, details)
	}
	l.events.Trouble(w.id, cmp.Or(w.trouble, err))
}

// deliver fires a registration and stores its sum. If the event was not accepted,
// the previous sum stays on disk, and the next broker sees the difference.
func (l *library) deliver(w *watched, details task.StorageLibraryContentChangedTriggerDetails) error {
	if err := l.events.Fired(w.id, details); err != nil {
		return err
	}
	return saveSum(l.dir, w.id, w.wanted.Paths, w.fired)
}

func (w *watched) quiet() {
	w.due, w.certain, w.overflow = time.Time{}, false, false
	w.paths, w.dirty = map[string]bool{}, map[string]bool{}
}

func (w *watched) sum() (total uint64) {
	for _, t := range w.trees {
		total += t.sum()
	}
	return total
}

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

// library is all files that are watched. It belongs to one goroutine.
type library struct {
	*files
	notify *fsnotify.Watcher
	all    map[task.GUID]*watched
	dirs   map[string]int // watched, and for how many trees
}

// watched is one registration.
type watched struct {
	id     task.GUID
	wanted task.StorageLibraryContentChangedTrigger
	trees  []*tree
	told   uint64 // the sum when it fired last

	due      time.Time       // when it will have been quiet; zero: nothing changed
	certain  bool            // not only attributes changed
	paths    map[string]bool // to be told
	overflow bool            // there were more
	dirty    map[string]bool // directories to read again

	trouble error
}

// apply brings what is watched in line with what is wanted.
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

// begin reads the trees of a registration and fires when they are not as they
// were left.
func (l *library) begin(ctx context.Context, id task.GUID, wanted task.StorageLibraryContentChangedTrigger) *watched {
	w := &watched{id: id, wanted: wanted}
	w.quiet()
	for _, p := range wanted.Paths {
		t := &tree{root: filepath.Clean(p), sums: map[string]uint64{}}
		w.trees = append(w.trees, t)
		l.enter(ctx, w, t, t.root, ignore)
	}
	if ctx.Err() != nil {
		return w // read in part
	}
	w.told = w.sum()
	err := error(nil)
	if last, ok := loadSum(l.dir, id, wanted.Paths); ok && last != w.told {
		err = l.tell(w, task.StorageLibraryContentChangedTriggerDetails{Overflow: true})
	} else if !ok {
		err = saveSum(l.dir, id, wanted.Paths, w.told)
	}
	l.events.Trouble(id, cmp.Or(w.trouble, err))
	return w
}

// enter reads path, which is in t, and all below, and watches it.
func (l *library) enter(ctx context.Context, w *watched, t *tree, path string, found func(string)) {
	err := t.scan(ctx, path, l.watch, found)
	if path == t.root {
		err = errors.Join(err, l.anchor(t))
	}
	if err != nil && ctx.Err() == nil {
		w.trouble = explainLimit(err)
	}
}

// leave forgets path, which is in t, and all below.
func (l *library) leave(t *tree, path string) {
	t.forget(path, l.unwatch)
	if path == t.root && t.anchor != "" {
		l.unwatch(t.anchor)
		t.anchor = ""
	}
}

// anchor watches the directory from which a root that is a file, or is not
// there, will be seen to change.
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
		_ = l.notify.Remove(dir) // the kernel has done so when it is gone
	}
}

// update takes what changed into the trees. All that was is left before anything
// is entered: the kernel knows a directory that moved by one watch, whatever its
// name, and leaving the old name last would end the new one's.
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

// change notes a changed path. It leaves what has to be entered again, and gives
// that.
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

// touch starts the time of quiet anew.
func (w *watched) touch(certain bool) {
	settle := w.wanted.Settle
	if settle == 0 {
		settle = defaultSettle
	}
	w.due = time.Now().Add(settle)
	w.certain = w.certain || certain
}

// note remembers a changed path to be told.
func (w *watched) note(path string) {
	if len(w.paths) < task.MaxChangedPaths {
		w.paths[path] = true
	} else if !w.paths[path] {
		w.overflow = true
	}
}

func ignore(string) {}

// fire tells of those that have been quiet, and when the next one will have been.
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

// settle reads again what changed. A change of attributes alone counts when a
// time, a size or a kind is another.
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
	fires := w.certain || sum != w.told
	w.told = sum
	w.quiet()
	err := error(nil)
	if fires {
		err = l.tell(w, details)
	}
	l.events.Trouble(w.id, cmp.Or(w.trouble, err))
}

// tell has a registration fire. When that is not taken, what was told last stays on
// the disk, and the next broker sees the difference.
func (l *library) tell(w *watched, details task.StorageLibraryContentChangedTriggerDetails) error {
	if err := l.events.Fired(w.id, details); err != nil {
		return err
	}
	return saveSum(l.dir, w.id, w.wanted.Paths, w.told)
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

//go:build linux

package source

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/bgtask/bgtask/task"
)

const quick = 50 * time.Millisecond

func put(t *testing.T, path ...string) string {
	t.Helper()
	p := filepath.Join(path...)
	if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte(time.Now().String()), 0o644)); err != nil {
		t.Fatal(err)
	}
	return p
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// watchFiles watches paths and returns when they are watched.
func watchFiles(t *testing.T, state string, e *events, paths ...string) (stop func()) {
	t.Helper()
	w := NewFiles(state, e)
	trigger := task.StorageLibraryContentChangedTrigger{Paths: paths, Settle: quick}
	do(t, w.Check(trigger))
	w.Set(map[task.GUID]task.Trigger{idA: trigger})
	stop = watch(t, w)
	do(t, e.awaitTrouble(t, idA))
	return stop
}

func changedFiles(t *testing.T, e *events) []string {
	t.Helper()
	return e.next(t, idA).(task.StorageLibraryContentChangedTriggerDetails).Paths
}

// awaitPaths waits until all paths have been reported as changed. An overflow
// counts as well: fsnotify may lose track of a tree that moves.
func awaitPaths(t *testing.T, e *events, want map[string]bool) {
	t.Helper()
	for len(want) > 0 {
		d := e.next(t, idA).(task.StorageLibraryContentChangedTriggerDetails)
		for _, path := range d.Paths {
			delete(want, path)
		}
		if d.Overflow {
			return
		}
	}
}

func expectPath(t *testing.T, e *events, want string) {
	t.Helper()
	for {
		if got := changedFiles(t, e); slices.Contains(got, want) {
			return
		} else if t.Logf("changed: %v", got); len(got) == 0 {
			t.Fatalf("no paths, want %s", want)
		}
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a/b/old")
	e := newEvents()
	watchFiles(t, t.TempDir(), e, dir)
	if len(e.fired) != 0 {
		t.Fatal("fired for files that existed before")
	}
	expectPath(t, e, put(t, dir, "new"))
	expectPath(t, e, put(t, dir, "a/b/deep"))
	expectPath(t, e, put(t, dir, "x/y/z/in new directories"))
	expectPath(t, e, put(t, dir, "x/y/z/later"))
	do(t, os.Rename(filepath.Join(dir, "x"), filepath.Join(dir, "w")))
	expectPath(t, e, filepath.Join(dir, "w"))
	expectPath(t, e, put(t, dir, "w/y/z/under its new name"))
	do(t, os.RemoveAll(filepath.Join(dir, "w")))
	expectPath(t, e, filepath.Join(dir, "w"))
	do(t, os.Mkdir(filepath.Join(dir, "w"), 0o755)) // a new one with the same name
	expectPath(t, e, filepath.Join(dir, "w"))
	expectPath(t, e, put(t, dir, "w/again"))
	do(t, os.Chtimes(put(t, dir, "a/b/old"), time.Time{}, time.Unix(1, 0)))
	expectPath(t, e, filepath.Join(dir, "a/b/old"))
}

// A directory is replaced by another of the same name. The kernel's watches
// follow the directories, not the names.
func TestFilesSwap(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a/sub/1")
	e := newEvents()
	watchFiles(t, t.TempDir(), e, dir)
	do(t, os.Rename(filepath.Join(dir, "a"), filepath.Join(dir, "b")))
	put(t, dir, "a/sub/2")
	expectPath(t, e, filepath.Join(dir, "b"))
	expectPath(t, e, put(t, dir, "a/sub/3"))
	expectPath(t, e, put(t, dir, "b/sub/3"))
}

// Reading a file or changing its attributes does not change its content.
func TestFilesChmod(t *testing.T) {
	dir := t.TempDir()
	path := put(t, dir, "f")
	e := newEvents()
	watchFiles(t, t.TempDir(), e, dir)
	do(t, os.Chmod(path, 0o600))
	_, err := os.ReadFile(path)
	do(t, err)
	do(t, e.awaitTrouble(t, idA)) // settled
	if len(e.fired) != 0 {
		t.Errorf("fired: %v", <-e.fired)
	}
}

// A root may be a file, and may not exist yet.
func TestFilesRoots(t *testing.T) {
	dir := t.TempDir()
	file, missing := put(t, dir, "file"), filepath.Join(dir, "not/yet/there")
	e := newEvents()
	watchFiles(t, t.TempDir(), e, file, missing)
	put(t, dir, "sibling")
	expectPath(t, e, put(t, dir, "file"))
	do(t, os.Rename(put(t, dir, "file~"), file)) // as editors do
	expectPath(t, e, file)
	deep := put(t, missing, "deep")
	expectPath(t, e, deep)
	do(t, os.RemoveAll(filepath.Join(dir, "not")))
	e.next(t, idA)
	expectPath(t, e, put(t, missing, "deep"))
}

func TestFilesWhileDown(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
	put(t, dir, "f")
	e := newEvents()
	watchFiles(t, state, e, dir)()
	watchFiles(t, state, e, dir)() // nothing happened
	if len(e.fired) != 0 {
		t.Fatalf("fired: %+v", <-e.fired)
	}
	put(t, dir, "sub/g")
	watchFiles(t, state, e, dir)()
	if d := e.next(t, idA).(task.StorageLibraryContentChangedTriggerDetails); !d.Overflow {
		t.Errorf("details %+v", d)
	}
	watchFiles(t, state, e, dir)() // does not fire a second time
	watchFiles(t, state, e, dir, state)()
	if len(e.fired) != 0 {
		t.Errorf("fired for other paths: %+v", <-e.fired)
	}
}

// A change that fired while the broker ran does not fire again after a restart.
func TestFilesFireOnce(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
	e := newEvents()
	stop := watchFiles(t, state, e, dir)
	path := put(t, dir, "f")
	expectPath(t, e, path)
	do(t, e.awaitTrouble(t, idA))
	stop()
	watchFiles(t, state, e, dir)()
	if len(e.fired) != 0 {
		t.Errorf("fired: %+v", <-e.fired)
	}
}

// A change that the broker could not accept any more fires in the next one.
func TestFilesNotAccepted(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
	e := newEvents()
	stop := watchFiles(t, state, e, dir)
	e.refusal = task.ErrUnavailable
	expectPath(t, e, put(t, dir, "f"))
	if err := e.awaitTrouble(t, idA); !errors.Is(err, task.ErrUnavailable) {
		t.Errorf("trouble: %v", err)
	}
	stop()
	e.refusal = nil
	watchFiles(t, state, e, dir)()
	if d := e.next(t, idA).(task.StorageLibraryContentChangedTriggerDetails); !d.Overflow {
		t.Errorf("details %+v", d)
	}
}

// There are more changes than the details hold, and more than the kernel keeps.
func TestFilesOverflow(t *testing.T) {
	dir := t.TempDir()
	e := newEvents()
	watchFiles(t, t.TempDir(), e, dir)
	for i := range maxIntake + 100 {
		do(t, os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), nil, 0o644))
	}
	d := e.next(t, idA).(task.StorageLibraryContentChangedTriggerDetails)
	if len(d.Paths) != task.MaxChangedPaths || !d.Overflow {
		t.Errorf("%d paths, overflow %v", len(d.Paths), d.Overflow)
	}
}

func TestFilesLost(t *testing.T) {
	dir := t.TempDir()
	e := newEvents()
	f := NewFiles(t.TempDir(), e).(*files)
	in := &intake{hints: f.hints, changed: map[string]bool{}}
	for i := range maxIntake + 1 {
		in.add(fsEvent(fmt.Sprint(dir, "/", i)))
	}
	if changed, lost := in.take(); len(changed) != maxIntake || !lost {
		t.Errorf("%d kept, lost %v", len(changed), lost)
	}
	if changed, lost := in.take(); len(changed) != 0 || lost {
		t.Errorf("the same changes were taken twice")
	}
}

// Whatever happens to the tree, afterwards every directory is watched: a change
// in each fires.
func TestFilesAnyOrder(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dir := t.TempDir()
			e := newEvents()
			watchFiles(t, t.TempDir(), e, dir)
			shuffleTree(rand.New(rand.NewPCG(seed, 0)), dir)
			var dirs []string
			do(t, filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
				if err == nil && d.IsDir() {
					dirs = append(dirs, p)
				}
				return err
			}))
			awaitPaths(t, e, map[string]bool{put(t, dir, "last"): true})
			missing := map[string]bool{}
			for _, d := range dirs {
				missing[put(t, d, "probe")] = true
			}
			awaitPaths(t, e, missing)
		})
	}
}

func shuffleTree(r *rand.Rand, dir string) {
	name := func() string {
		p := dir
		for range 1 + r.IntN(3) {
			p = filepath.Join(p, string(rune('a'+r.IntN(3))))
		}
		return p
	}
	for range 200 {
		switch r.IntN(4) {
		case 0, 1:
			_ = os.MkdirAll(name(), 0o755)
		case 2:
			_ = os.Rename(name(), name())
		case 3:
			_ = os.RemoveAll(name())
		}
	}
}

func TestFilesUnset(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
	e := newEvents()
	w := NewFiles(state, e)
	trigger := task.StorageLibraryContentChangedTrigger{Paths: []string{dir}, Settle: quick}
	w.Set(map[task.GUID]task.Trigger{idA: trigger, idB: trigger})
	watch(t, w)
	do(t, errors.Join(e.awaitTrouble(t, idA), e.awaitTrouble(t, idB)))
	w.Set(map[task.GUID]task.Trigger{idB: trigger}) // they share their watches
	put(t, dir, "f")
	e.next(t, idB)
	do(t, e.awaitTrouble(t, idB)) // the sum is stored
	if len(e.fired) != 0 {
		t.Error("fired after it was unregistered")
	}
	if left, err := filepath.Glob(filepath.Join(state, "*")); err != nil || len(left) != 1 {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestCheckFiles(t *testing.T) {
	w := NewFiles(t.TempDir(), newEvents())
	for name, bad := range map[string]task.Trigger{
		"none":     task.StorageLibraryContentChangedTrigger{},
		"many":     task.StorageLibraryContentChangedTrigger{Paths: slices.Repeat([]string{"/x"}, task.MaxWatchedPaths+1)},
		"relative": task.StorageLibraryContentChangedTrigger{Paths: []string{"x"}},
		"kernel":   task.StorageLibraryContentChangedTrigger{Paths: []string{"/home", "/x/../proc/1"}},
		"settle":   task.StorageLibraryContentChangedTrigger{Paths: []string{"/x"}, Settle: -1},
		"other":    task.ApplicationTrigger{},
	} {
		if w.Check(bad) == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func fsEvent(path string) fsnotify.Event { return fsnotify.Event{Name: path, Op: fsnotify.Create} }

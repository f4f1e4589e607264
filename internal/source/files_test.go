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

// watchFiles watches paths and waits until that is so.
func watchFiles(t *testing.T, state string, e *events, paths ...string) (stop func()) {
	t.Helper()
	w := NewFiles(state, e)
	trigger := task.StorageLibraryContentChangedTrigger{Paths: paths, Settle: quick}
	do(t, w.Check(trigger))
	w.Set(map[task.GUID]task.Trigger{idA: trigger})
	stop = watch(t, w)
	do(t, e.told(t, idA))
	return stop
}

func changedFiles(t *testing.T, e *events) []string {
	t.Helper()
	return e.next(t, idA).(task.StorageLibraryContentChangedTriggerDetails).Paths
}

// toldOf waits until paths were told to have changed. That more has changed than is
// told says so, too: fsnotify may lose its way in a tree that moves.
func toldOf(t *testing.T, e *events, want map[string]bool) {
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
		t.Fatal("it fires for what was there before")
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
	do(t, os.Mkdir(filepath.Join(dir, "w"), 0o755)) // again, of the same name
	expectPath(t, e, filepath.Join(dir, "w"))
	expectPath(t, e, put(t, dir, "w/again"))
	do(t, os.Chtimes(put(t, dir, "a/b/old"), time.Time{}, time.Unix(1, 0)))
	expectPath(t, e, filepath.Join(dir, "a/b/old"))
}

// A directory changes places with another of its name: the kernel's watches go
// with the directories, not with the names.
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

// Attributes alone, and reading, change no content.
func TestFilesChmod(t *testing.T) {
	dir := t.TempDir()
	path := put(t, dir, "f")
	e := newEvents()
	watchFiles(t, t.TempDir(), e, dir)
	do(t, os.Chmod(path, 0o600))
	_, err := os.ReadFile(path)
	do(t, err)
	do(t, e.told(t, idA)) // it settled
	if len(e.fired) != 0 {
		t.Errorf("it fired: %v", <-e.fired)
	}
}

// A root that is a file, and one that is not there yet.
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
		t.Fatalf("it fired: %+v", <-e.fired)
	}
	put(t, dir, "sub/g")
	watchFiles(t, state, e, dir)()
	if d := e.next(t, idA).(task.StorageLibraryContentChangedTriggerDetails); !d.Overflow {
		t.Errorf("details %+v", d)
	}
	watchFiles(t, state, e, dir)() // told once
	watchFiles(t, state, e, dir, state)()
	if len(e.fired) != 0 {
		t.Errorf("other paths are another question: %+v", <-e.fired)
	}
}

// A change that was told while it ran is not told again after a restart.
func TestFilesToldOnce(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
	e := newEvents()
	stop := watchFiles(t, state, e, dir)
	path := put(t, dir, "f")
	expectPath(t, e, path)
	do(t, e.told(t, idA))
	stop()
	watchFiles(t, state, e, dir)()
	if len(e.fired) != 0 {
		t.Errorf("it fired: %+v", <-e.fired)
	}
}

// A change that the broker could not take any more is told by the next one.
func TestFilesNotTaken(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
	e := newEvents()
	stop := watchFiles(t, state, e, dir)
	e.refusal = task.ErrUnavailable
	expectPath(t, e, put(t, dir, "f"))
	if err := e.told(t, idA); !errors.Is(err, task.ErrUnavailable) {
		t.Errorf("the trouble is %v", err)
	}
	stop()
	e.refusal = nil
	watchFiles(t, state, e, dir)()
	if d := e.next(t, idA).(task.StorageLibraryContentChangedTriggerDetails); !d.Overflow {
		t.Errorf("details %+v", d)
	}
}

// More changes than are told, and more than the kernel keeps.
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
		t.Errorf("taken twice")
	}
}

// Whatever happens to the tree, afterwards the sums are those of reading it anew
// and each directory is watched: another change fires.
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
			toldOf(t, e, map[string]bool{put(t, dir, "last"): true})
			missing := map[string]bool{}
			for _, d := range dirs {
				missing[put(t, d, "probe")] = true
			}
			toldOf(t, e, missing)
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
	do(t, errors.Join(e.told(t, idA), e.told(t, idB)))
	w.Set(map[task.GUID]task.Trigger{idB: trigger}) // they share their watches
	put(t, dir, "f")
	e.next(t, idB)
	do(t, e.told(t, idB)) // and saved
	if len(e.fired) != 0 {
		t.Error("it fires after it was unregistered")
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
			t.Errorf("%s is accepted", name)
		}
	}
}

func fsEvent(path string) fsnotify.Event { return fsnotify.Event{Name: path, Op: fsnotify.Create} }

//go:build linux

package source

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/source/sourcetest"
	"github.com/bgtask/bgtask/task"
)

// setZone links etc/localtime below root to a zone.
func setZone(t *testing.T, root, zone string) {
	t.Helper()
	etc := filepath.Join(root, "etc")
	if err := os.MkdirAll(etc, 0o755); err != nil {
		t.Fatal(err)
	}
	next := filepath.Join(etc, "localtime.next")
	if err := os.Symlink(filepath.Join("/usr/share/zoneinfo", zone), next); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, filepath.Join(etc, "localtime")); err != nil { // as timedated does
		t.Fatal(err)
	}
}

func TestTimeZone(t *testing.T) {
	root := t.TempDir()
	setZone(t, root, "Asia/Tokyo")
	r, _ := start(t, one("localtime", []string{task.FactTimeZone}, timeZone{root: root}))
	r.fact(t, task.FactTimeZone, "+09:00")
	if d := r.detail(task.FactTimeZone); d != "Asia/Tokyo" {
		t.Errorf("detail %q", d)
	}
	setZone(t, root, "Asia/Kathmandu")
	r.fact(t, task.FactTimeZone, "+05:45")
	if err := os.Remove(filepath.Join(root, "etc/localtime")); err != nil {
		t.Fatal(err)
	}
	r.fact(t, task.FactTimeZone, "+00:00")
	setZone(t, root, "America/Bogota")
	r.fact(t, task.FactTimeZone, "-05:00")
}

// A signal of timedate1 alone is a hint.
func TestTimedate(t *testing.T) {
	bus := sourcetest.NewBus(t)
	mock := bus.Template(t, "timedated", "org.freedesktop.timedate1", "/org/freedesktop/timedate1", "")
	h := newHints()
	done := make(chan error, 1)
	go func() { done <- timeZone{bus: bus.Address}.signals(t.Context(), h) }()
	for late := time.After(sourcetest.Patience); ; {
		mock.CallObject(t, "/org/freedesktop/timedate1", "org.freedesktop.timedate1.SetTimezone", "Europe/Paris", false)
		select {
		case <-h:
		case err := <-done:
			t.Fatal(err)
		case <-late:
			t.Fatal("no hint")
		default:
			continue
		}
		break
	}
	bus.Stop(t)
	if err := <-done; err == nil {
		t.Error("signals returned no error when the bus stopped")
	}
}

// The timer gives a hint at the next transition of the zone.
func TestWallTimer(t *testing.T) {
	w, err := newWallTimer()
	if err != nil {
		t.Fatal(err)
	}
	h := newHints()
	var reader sync.WaitGroup
	reader.Go(func() { w.hints(h) })
	if err := w.set(time.Now().Add(10 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	<-h
	if err := w.set(time.Time{}); err != nil { // fires only when the clock is set
		t.Fatal(err)
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	reader.Wait()
}

func TestStorage(t *testing.T) {
	const gib = 1 << 30
	var v volume
	for _, step := range []struct {
		size, free uint64
		low        task.Value
		again      time.Duration
	}{
		{1000 * gib, 500 * gib, task.No, checkMost},
		{1000 * gib, 31 * gib, task.No, 2 * time.Minute},
		{1000 * gib, gib, task.No, checkLeast},
		{1000 * gib, gib - 1, task.Yes, checkLeast},
		{1000 * gib, gib + gib/4 - 1, task.Yes, checkLeast}, // does not flicker
		{1000 * gib, gib + gib/4, task.No, checkLeast},
		{10 * gib, gib / 2, task.No, checkLeast}, // 5 % of a small file system
		{10 * gib, gib/2 - 1, task.Yes, checkLeast},
		{0, 0, task.No, checkLeast}, // a file system without a size
	} {
		f, again := v.update(step.size, step.free)
		if f.Value != step.low || again != step.again {
			t.Errorf("%d of %d free: %s, look again after %s; want %s, %s", step.free, step.size, f.Value, again, step.low, step.again)
		}
	}
}

func TestStorageHere(t *testing.T) {
	r, _ := start(t, one("statfs", []string{task.FactStorageLow}, storage{dir: t.TempDir()}))
	r.until(t, "storage-low", func() bool { return r.facts[task.FactStorageLow].Value.Known() })
}

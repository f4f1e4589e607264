package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/task"
)

// timeZone reports the machine's time zone from /etc/localtime, the file that
// every program on the machine uses and timedate1 sets. The signals of timedate1
// are hints as well, in case inotify misses a change. timedate1 is never started
// for this and exits when idle.
type timeZone struct {
	root string
	bus  string
}

// Watch implements Source.
func (z timeZone) Watch(ctx context.Context, report func(...task.Fact)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	clock, err := newWallTimer()
	if err != nil {
		return err
	}
	files, err := fsnotify.NewWatcher()
	if err != nil {
		_ = clock.close()
		return fmt.Errorf("watch /etc/localtime: %w", err)
	}
	h := newHints()
	var watchers sync.WaitGroup
	watchers.Go(func() { _ = z.signals(ctx, h) }) // optional: there may be no bus
	watchers.Go(func() { clock.hints(h) })
	watchers.Go(func() { fileHints(files, h) })
	defer func() {
		cancel()
		_ = clock.close()
		_ = files.Close()
		watchers.Wait()
	}()
	return follow(ctx, h, nil, func(context.Context) (time.Duration, error) {
		z.watchFiles(files)
		now := time.Now()
		zone, detail, err := z.load()
		if err != nil {
			return 0, err
		}
		_, next := now.In(zone).ZoneBounds()
		report(task.Fact{Name: task.FactTimeZone, Value: task.Value(now.In(zone).Format("-07:00")), Detail: detail})
		err = clock.set(next)
		if errors.Is(err, unix.ECANCELED) { // the timer is armed, but the clock was set since now was read
			h.give()
			err = nil
		}
		return 0, err
	})
}

// load reads the machine's zone again. Without the file the zone is UTC.
func (z timeZone) load() (*time.Location, string, error) {
	path := filepath.Join(z.root, "etc/localtime")
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return time.UTC, "there is no /etc/localtime", nil
	}
	if err != nil {
		return nil, "", err
	}
	zone, err := time.LoadLocationFromTZData("", data)
	if err != nil {
		return nil, "", fmt.Errorf("read %s: %w", path, err)
	}
	return zone, zoneName(path), nil
}

// zoneName returns the IANA name in the target of the link, or "" if path is not
// a link.
func zoneName(path string) string {
	target, err := os.Readlink(path)
	if err != nil {
		return ""
	}
	const dir = "zoneinfo/"
	for i := 0; i+len(dir) <= len(target); i++ {
		if target[i:i+len(dir)] == dir {
			return target[i+len(dir):]
		}
	}
	return ""
}

// watchFiles watches the directories of /etc/localtime and of its target. Both
// files are replaced rather than written, by timedatectl and by updates of
// tzdata.
func (z timeZone) watchFiles(w *fsnotify.Watcher) {
	path := filepath.Join(z.root, "etc/localtime")
	_ = w.Add(filepath.Dir(path))
	if target, err := filepath.EvalSymlinks(path); err == nil {
		_ = w.Add(filepath.Dir(target))
	}
}

// fileHints gives a hint for each change, and when changes were lost. It returns
// when w is closed.
func fileHints(w *fsnotify.Watcher, h hints) {
	for {
		select {
		case _, ok := <-w.Events:
			if !ok {
				return
			}
		case _, ok := <-w.Errors:
			if !ok {
				return
			}
		}
		h.give()
	}
}

// signals gives a hint for each signal of timedate1, until ctx ends or the bus
// disconnects.
func (z timeZone) signals(ctx context.Context, h hints) error {
	s := service{bus: z.bus, name: "org.freedesktop.timedate1", path: "/org/freedesktop/timedate1"}
	p, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	for {
		if err := p.wait(ctx); err != nil {
			return err
		}
		h.give()
	}
}

// wallTimer fires at a wall clock time, even if the clock gets there by sleep or
// by being set.
type wallTimer struct{ file *os.File }

func newWallTimer() (*wallTimer, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("make a timer: %w", err)
	}
	return &wallTimer{os.NewFile(uintptr(fd), "timer")}, nil
}

func (t *wallTimer) close() error { return t.file.Close() }

// set arms the timer for an instant. With the zero time it fires only when the
// clock is set.
func (t *wallTimer) set(at time.Time) error {
	if at.IsZero() {
		at = time.Now().AddDate(100, 0, 0)
	}
	raw, err := t.file.SyscallConn()
	if err != nil {
		return err
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(at.UnixNano())}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		failed = unix.TimerfdSettime(int(fd), unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &spec, nil)
	}); err != nil {
		return err
	}
	return failed
}

// hints gives a hint when the time has come or the clock was set. It returns when
// the timer is closed.
func (t *wallTimer) hints(h hints) {
	for {
		var b [8]byte
		if _, err := t.file.Read(b[:]); err != nil && !errors.Is(err, unix.ECANCELED) {
			return
		}
		h.give()
	}
}

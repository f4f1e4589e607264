package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/task"
)

// timeZone reads /etc/localtime: what every program on the machine goes by, and
// what timedate1 sets. timedate1's signal is listened to as well, for where
// inotify does not see it; it is never started for this, and leaves when idle.
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
	h, ended := newHints(), make(chan error, 3)
	go func() { ended <- z.signals(ctx, h) }()
	go func() { ended <- clock.hints(h) }()
	go func() { ended <- fileHints(files, h) }()
	defer func() {
		cancel()
		_ = clock.close()
		_ = files.Close()
		for range 3 {
			<-ended
		}
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
		if errors.Is(err, unix.ECANCELED) { // it is armed; but the clock was set, so now is not now any more
			h.give()
			err = nil
		}
		return 0, err
	})
}

// load reads the machine's zone afresh; without the file it is UTC.
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

// zoneName is the IANA name that the link says, if it is one.
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

// watchFiles watches the directories of the file and of what it links to, since
// both are replaced, not written: by timedatectl, by an update of tzdata.
func (z timeZone) watchFiles(w *fsnotify.Watcher) {
	path := filepath.Join(z.root, "etc/localtime")
	_ = w.Add(filepath.Dir(path))
	if target, err := filepath.EvalSymlinks(path); err == nil {
		_ = w.Add(filepath.Dir(target))
	}
}

// fileHints makes hints of changes; that some were lost is one, too.
func fileHints(w *fsnotify.Watcher, h hints) error {
	for {
		select {
		case _, ok := <-w.Events:
			if !ok {
				return nil
			}
		case _, ok := <-w.Errors:
			if !ok {
				return nil
			}
		}
		h.give()
	}
}

// signals makes hints of timedate1's, for as long as there is a bus.
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

// wallTimer fires at a wall time however the clock gets there: a sleep, a step.
type wallTimer struct{ file *os.File }

func newWallTimer() (*wallTimer, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("make a timer: %w", err)
	}
	return &wallTimer{os.NewFile(uintptr(fd), "timer")}, nil
}

func (t *wallTimer) close() error { return t.file.Close() }

// set arms it for an instant, or, with the zero time, for clock steps alone.
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

// hints gives one when the time has come or the clock was set.
func (t *wallTimer) hints(h hints) error {
	for {
		var b [8]byte
		if _, err := t.file.Read(b[:]); err != nil && !errors.Is(err, unix.ECANCELED) {
			return err
		}
		h.give()
	}
}

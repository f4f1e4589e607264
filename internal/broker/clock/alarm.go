//go:build linux

package clock

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Alarm rings when CLOCK_BOOTTIME has reached what was set, and when the wall clock
// was set or the machine has resumed. It is made of two timerfds, because Go's own
// timers stand still while the machine sleeps. One is on CLOCK_BOOTTIME. The other, on
// CLOCK_REALTIME, never expires, but the kernel cancels it when the wall clock is set
// or the machine resumes.
type Alarm struct {
	boot *os.File
	wall *os.File
	ring chan struct{}
	done sync.WaitGroup
}

// NewAlarm returns an Alarm that is not set. Close ends it.
func NewAlarm() (*Alarm, error) {
	boot, err := timerfd(unix.CLOCK_BOOTTIME, "boot timer")
	if err != nil {
		return nil, err
	}
	wall, err := timerfd(unix.CLOCK_REALTIME, "wall timer")
	if err != nil {
		_ = boot.Close()
		return nil, err
	}
	a := &Alarm{boot: boot, wall: wall, ring: make(chan struct{}, 1)}
	if err := a.watchSteps(); err != nil && !errors.Is(err, unix.ECANCELED) { // the timer is armed, and the clock was set just now
		_ = boot.Close()
		_ = wall.Close()
		return nil, err
	}
	a.done.Go(a.readBoot)
	a.done.Go(a.readWall)
	return a, nil
}

func timerfd(clock int, name string) (*os.File, error) {
	fd, err := unix.TimerfdCreate(clock, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("timerfd: %w", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Set makes the alarm ring once CLOCK_BOOTTIME has reached at. Zero means never.
func (a *Alarm) Set(at time.Duration) error {
	return settime(a.boot, unix.TFD_TIMER_ABSTIME, unix.NsecToTimespec(int64(at)))
}

// C returns the channel that receives each time the alarm rings.
func (a *Alarm) C() <-chan struct{} { return a.ring }

// Close ends the alarm and waits for its goroutines.
func (a *Alarm) Close() error {
	err := errors.Join(a.boot.Close(), a.wall.Close())
	a.done.Wait()
	return err
}

// watchSteps arms the wall timer once and for all: the kernel reports every step of the
// clock, not only the first.
func (a *Alarm) watchSteps() error {
	const never = 1 << 40 // seconds: 34,000 years
	return settime(a.wall, unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, unix.Timespec{Sec: never})
}

func (a *Alarm) readBoot() {
	var expirations [8]byte
	for {
		if _, err := a.boot.Read(expirations[:]); err != nil {
			return // closed
		}
		a.signal()
	}
}

func (a *Alarm) readWall() {
	var expirations [8]byte
	for {
		_, err := a.wall.Read(expirations[:])
		if !errors.Is(err, unix.ECANCELED) {
			return // closed
		}
		a.signal()
	}
}

func (a *Alarm) signal() {
	select {
	case a.ring <- struct{}{}:
	default: // it is already ringing
	}
}

func settime(f *os.File, flags int, at unix.Timespec) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.TimerfdSettime(int(fd), flags, &unix.ItimerSpec{Value: at}, nil)
	})
	if err = errors.Join(err, failed); err != nil {
		return fmt.Errorf("timerfd_settime: %w", err)
	}
	return nil
}

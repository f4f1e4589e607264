//go:build linux

package broker

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// timerAlarm is an alarm of two timerfds: Go's own timers stand still in sleep.
// One is on CLOCK_BOOTTIME; the other, on CLOCK_REALTIME, never ends but is
// cancelled by the kernel when the wall clock is set or the machine resumes.
type timerAlarm struct {
	boot *os.File
	wall *os.File
	ring chan struct{}
	done sync.WaitGroup
}

func newAlarm() (*timerAlarm, error) {
	boot, err := timerfd(unix.CLOCK_BOOTTIME, "boot timer")
	if err != nil {
		return nil, err
	}
	wall, err := timerfd(unix.CLOCK_REALTIME, "wall timer")
	if err != nil {
		boot.Close()
		return nil, err
	}
	a := &timerAlarm{boot: boot, wall: wall, ring: make(chan struct{}, 1)}
	if err := a.watchSteps(); err != nil && !errors.Is(err, unix.ECANCELED) { // it is armed, and the clock was set just now
		boot.Close()
		wall.Close()
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

// Set makes the alarm ring at the instant at of CLOCK_BOOTTIME.
func (a *timerAlarm) Set(at time.Duration) error {
	return settime(a.boot, unix.TFD_TIMER_ABSTIME, unix.NsecToTimespec(int64(at)))
}

// C receives when the alarm rings.
func (a *timerAlarm) C() <-chan struct{} { return a.ring }

// Close ends the alarm and its goroutines.
func (a *timerAlarm) Close() error {
	err := errors.Join(a.boot.Close(), a.wall.Close())
	a.done.Wait()
	return err
}

// watchSteps arms the wall timer for good: the kernel goes on telling of steps after
// it has told of one.
func (a *timerAlarm) watchSteps() error {
	const never = 1 << 40 // seconds: 34,000 years
	return settime(a.wall, unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, unix.Timespec{Sec: never})
}

func (a *timerAlarm) readBoot() {
	var expirations [8]byte
	for {
		if _, err := a.boot.Read(expirations[:]); err != nil {
			return // closed
		}
		a.signal()
	}
}

func (a *timerAlarm) readWall() {
	var expirations [8]byte
	for {
		_, err := a.wall.Read(expirations[:])
		if !errors.Is(err, unix.ECANCELED) {
			return // closed
		}
		a.signal()
	}
}

func (a *timerAlarm) signal() {
	select {
	case a.ring <- struct{}{}:
	default: // it rings already
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

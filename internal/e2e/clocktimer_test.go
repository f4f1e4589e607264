//go:build linux

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

type timerKey struct{ listener, pid, fd int }

// timer is a timerfd of a process.
type timer struct {
	pid   int
	fd    int // the test's own descriptor of the same timer
	clock int32
	flags int
	at    time.Duration // on the process's clock; 0: not armed
	jump  bool          // the wall clock jumped, and the process has not read that yet
}

// setTimer sets a timer, and remembers its time and its clock.
func (c *clocks) setTimer(listener int, n notification) (answer, error) {
	pid, err := processOf(int(n.TID))
	if err != nil {
		return answer{}, err
	}
	t := &timer{pid: pid, flags: int(n.Args[1])}
	key := timerKey{listener, pid, int(int32(n.Args[0]))}
	if t.fd, err = duplicate(pid, key.fd); err != nil {
		return answer{}, err
	}
	err = t.understand(n)
	if err == nil && (t.clock == unix.CLOCK_REALTIME || t.clock == unix.CLOCK_BOOTTIME) {
		return c.arm(key, t)
	}
	unix.Close(t.fd)
	return letKernel, err
}

// understand reads which time the process sets. It refuses relative and repeating
// timers.
func (t *timer) understand(n notification) (err error) {
	if t.clock, err = clockOf(t.fd); err != nil {
		return err
	}
	var spec unix.ItimerSpec
	if err := peek(n, n.Args[2], bytesOf(&spec)); err != nil {
		return err
	}
	if t.flags&unix.TFD_TIMER_ABSTIME == 0 || spec.Interval.Nano() != 0 || n.Args[3] != 0 {
		return errors.New("the simulated clocks support only absolute timers without an interval")
	}
	const never = 8e9 // 250 years in seconds: a later time is never due, and would overflow in nanoseconds
	spec.Value.Sec = min(spec.Value.Sec, never)
	t.at = time.Duration(spec.Value.Nano())
	return nil
}

func (c *clocks) arm(key timerKey, t *timer) (answer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.noticesJumps() && c.anew != nil {
		c.anew()
	}
	jumped := false
	if old := c.timers[key]; old != nil {
		jumped = old.jump && t.noticesJumps()
		unix.Close(old.fd)
	}
	c.timers[key] = t
	if err := t.arm(c.ahead(t.clock)); err != nil {
		return answer{}, err
	}
	if jumped {
		return failWith(unix.ECANCELED), nil // the timer is armed all the same, as by the kernel
	}
	return answer{}, nil
}

// readTimer answers the first read of a timer after the wall clock jumped.
func (c *clocks) readTimer(listener int, n notification) (answer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, t := range c.timers {
		if !t.jump || key.listener != listener || key.fd != int(int32(n.Args[0])) {
			continue
		}
		if pid, err := processOf(int(n.TID)); err != nil || pid != key.pid {
			continue
		}
		t.jump = false
		err := t.arm(c.ahead(t.clock))
		if c.jumped != nil {
			c.jumped()
		}
		return failWith(unix.ECANCELED), err
	}
	return letKernel, nil
}

func (t *timer) noticesJumps() bool {
	return t.clock == unix.CLOCK_REALTIME && t.flags&unix.TFD_TIMER_CANCEL_ON_SET != 0
}

// arm sets the kernel's timer, whose clock is behind that of the process.
func (t *timer) arm(ahead time.Duration) error {
	var spec unix.ItimerSpec
	if t.at != 0 {
		spec.Value = unix.NsecToTimespec(int64(max(t.at-ahead, 1)))
	}
	return unix.TimerfdSettime(t.fd, unix.TFD_TIMER_ABSTIME, &spec, nil)
}

// moved makes the timer due if its clock was moved.
func (t *timer) moved(ahead time.Duration, wall bool) error {
	if wall && t.noticesJumps() {
		t.jump = true // it wakes the reader, and the read reports the jump
		return unix.TimerfdSettime(t.fd, 0, &unix.ItimerSpec{Value: unix.Timespec{Nsec: 1}}, nil)
	}
	var left unix.ItimerSpec
	if err := unix.TimerfdGettime(t.fd, &left); err != nil || left.Value.Nano() == 0 {
		return err // the timer has expired
	}
	return t.arm(ahead)
}

// processOf returns the process of a thread.
func processOf(tid int) (int, error) {
	word, err := statusOf(fmt.Sprintf("/proc/%d/status", tid), "Tgid:")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(word)
}

// duplicate duplicates a file descriptor of another process.
func duplicate(pid, fd int) (int, error) {
	p, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(p)
	return unix.PidfdGetfd(p, fd, 0)
}

func clockOf(timerfd int) (int32, error) {
	word, err := statusOf(fmt.Sprintf("/proc/self/fdinfo/%d", timerfd), "clockid:")
	if err != nil {
		return 0, err
	}
	clock, err := strconv.Atoi(word)
	return int32(clock), err
}

// statusOf returns the word after a name at the beginning of a line.
func statusOf(path, name string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte(name)); ok {
			return string(bytes.TrimSpace(rest)), nil
		}
	}
	return "", fmt.Errorf("%s has no %s", path, name)
}

//go:build linux

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/internal/needs"
)

// clocks are the machine's clocks as the processes of one world see them. The test
// moves them as the clocks of a machine move when it sleeps or when its clock is set.
// The kernel offers no other way that leaves the test machine alone. A time namespace
// does not work: its offsets are fixed as soon as a process is in it, and it has no
// offset for the wall clock.
//
// The product does not know about this. The unmodified binary starts under a seccomp
// filter (clockfilter_test.go). When the binary reads CLOCK_REALTIME or CLOCK_BOOTTIME,
// or sets or reads a timer, the kernel asks the test instead of answering itself
// (clockanswer_test.go). The timers stay the kernel's; the test only changes when they
// are due. CLOCK_MONOTONIC, which drives Go's own timers, is never touched. This is
// correct, because it stands still while the machine sleeps.
type clocks struct {
	t      *testing.T
	socket *net.UnixListener
	served sync.WaitGroup

	mu     sync.Mutex
	wall   time.Duration // ahead of CLOCK_REALTIME
	boot   time.Duration // ahead of CLOCK_BOOTTIME
	timers map[timerKey]*timer
	soon   func() // called before the reading that follows the next left ones, if set
	left   int    // readings until soon is called
	jumped func() // called after a process learned that the wall clock jumped, if set
	anew   func() // called before a timer that notices jumps is set, if set
}

// underClock is the name under which the test binary starts a program under the clocks.
const underClock = "under-clock"

// ownClocks gives the world's processes their own clocks, which run like the machine's
// until they are moved. It must be called before the first process starts.
func (w *world) ownClocks() *clocks {
	w.t.Helper()
	needsClocks(w.t)
	w.clocks = newClocks(w.t, w.path("clock"))
	return w.clocks
}

func newClocks(t *testing.T, path string) *clocks {
	t.Helper()
	socket, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	c := &clocks{t: t, socket: socket, timers: map[timerKey]*timer{}}
	c.served.Go(c.accept)
	return c
}

// needsClocks skips a test if the kernel does not let it answer system calls.
func needsClocks(t *testing.T) {
	t.Helper()
	if _, ok := arches[runtime.GOARCH]; !ok {
		needs.Missing(t, "simulated clocks on "+runtime.GOARCH, needs.Elsewhere("amd64 and arm64 have them"))
	}
	dir, err := os.MkdirTemp("", "e2e-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	c := newClocks(t, filepath.Join(dir, "clock"))
	defer c.end()
	try := exec.Command("/bin/true")
	c.under(try)
	if out, err := try.CombinedOutput(); err != nil {
		t.Logf("%v: %s", err, out)
		needs.Missing(t, "seccomp notification", needs.Kernel)
	}
}

// under changes a command so that it starts under the clocks.
func (c *clocks) under(cmd *exec.Cmd) {
	self, err := os.Executable()
	if err != nil {
		c.t.Fatal(err)
	}
	cmd.Args = append([]string{underClock, c.socket.Addr().String(), cmd.Path}, cmd.Args...)
	cmd.Path = self
}

// end waits until no process is under the clocks.
func (c *clocks) end() {
	c.socket.Close()
	over := make(chan struct{})
	go func() {
		defer close(over)
		c.served.Wait()
	}()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	select {
	case <-over:
	case <-ctx.Done():
		c.t.Error("a process is left under the clocks of the test")
	}
}

// sleep acts as a sleep of the machine does on its processes: from one instant to the
// next the wall clock and CLOCK_BOOTTIME advance by d, and the kernel's timers expire.
func (c *clocks) sleep(d time.Duration) {
	c.t.Helper()
	c.move(d, d)
}

// sleepUntil sleeps until a wall time.
func (c *clocks) sleepUntil(at time.Time) {
	c.t.Helper()
	c.sleep(at.Sub(c.now()))
}

// sleepWhile sleeps for d while something happens to the machine. No process can read a
// clock before the sleep is over.
func (c *clocks) sleepWhile(d time.Duration, happens func()) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	happens()
	if err := c.jump(d, d); err != nil {
		c.t.Errorf("the clocks cannot be moved: %v", err)
	}
}

// set acts like "date --set": only the wall clock jumps.
func (c *clocks) set(step time.Duration) {
	c.t.Helper()
	c.move(step, 0)
}

// move moves both clocks at one instant. Every armed timer keeps its time on its own
// clock. A timer that asked for it reports that the wall clock jumped.
func (c *clocks) move(wall, boot time.Duration) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.jump(wall, boot); err != nil {
		c.t.Errorf("the clocks cannot be moved: %v", err)
	}
}

// sleepAt sleeps between two readings, after n more have been answered. Any process may
// be the reader; a process reads several clocks, one after another.
func (c *clocks) sleepAt(n int, d time.Duration) (over <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	slept := make(chan struct{})
	c.left, c.soon = n, func() {
		defer close(slept)
		if err := c.jump(d, d); err != nil {
			c.t.Errorf("the clocks cannot be moved: %v", err)
		}
	}
	return slept
}

// setAgain moves the wall clock by step again: the first afterJump times that a process
// has just learned of a jump, and the first beforeSet times that a process is about to
// set its timer again.
func (c *clocks) setAgain(afterJump, beforeSet int, step time.Duration) (over <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make(chan struct{})
	again := func(times *int) func() {
		return func() {
			if *times == 0 {
				return
			}
			*times--
			if err := c.jump(step, 0); err != nil {
				c.t.Errorf("the clocks cannot be moved: %v", err)
			}
			if afterJump == 0 && beforeSet == 0 {
				c.jumped, c.anew = nil, nil
				close(all)
			}
		}
	}
	c.jumped, c.anew = again(&afterJump), again(&beforeSet)
	return all
}

// reading is called for each reading of a clock.
func (c *clocks) reading() {
	if soon := c.soon; soon != nil {
		if c.left--; c.left < 0 {
			c.soon = nil
			soon()
		}
	}
}

func (c *clocks) jump(wall, boot time.Duration) error {
	c.wall += wall
	c.boot += boot
	for _, t := range c.timers {
		if err := t.moved(c.ahead(t.clock), wall != 0); err != nil {
			return fmt.Errorf("a timer of pid %d: %w", t.pid, err)
		}
	}
	return nil
}

// ahead returns how far a clock is ahead of the machine's.
func (c *clocks) ahead(clock int32) time.Duration {
	if clock == unix.CLOCK_REALTIME {
		return c.wall
	}
	return c.boot
}

// now returns the wall time of the world.
func (c *clocks) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.wall)
}

// accept serves each process that starts.
func (c *clocks) accept() {
	for {
		conn, err := c.socket.AcceptUnix()
		if err != nil {
			return // closed
		}
		listener, err := receiveListener(conn)
		conn.Close()
		if errors.Is(err, io.EOF) {
			continue // the process failed, and has reported why
		}
		if err != nil {
			c.t.Errorf("a process could not be put under the clocks: %v", err)
			continue
		}
		c.served.Go(func() { c.serve(listener) })
	}
}

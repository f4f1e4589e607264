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
// moves them as a machine does that sleeps or whose clock is set: the kernel offers
// no other way that leaves the machine of the tests as it is. A time namespace can
// not do it, since its offsets stand still as soon as a process is in it, and has
// none for the wall clock.
//
// Nothing of the product knows of it. The unmodified binary is started under a
// seccomp filter (clockfilter_test.go) by which the kernel asks the test, instead of
// answering itself, when the binary reads CLOCK_REALTIME or CLOCK_BOOTTIME, or sets or reads a
// timer (clockanswer_test.go). The timers stay the kernel's: what the test changes is
// when they are due. CLOCK_MONOTONIC, by which Go's own timers go, is never touched,
// which is right: it stands still in sleep.
type clocks struct {
	t      *testing.T
	socket *net.UnixListener
	served sync.WaitGroup

	mu     sync.Mutex
	wall   time.Duration // ahead of CLOCK_REALTIME
	boot   time.Duration // ahead of CLOCK_BOOTTIME
	timers map[timerKey]*timer
	soon   func() // called when so many readings were answered, before the next one
	left   int    // readings until then
	told   func() // called when somebody was told that the wall clock jumped, if set
	anew   func() // called before a timer that is told of jumps is set, if set
}

// underClock is what the test binary is called to start a program under the clocks.
const underClock = "under-clock"

// ownClocks gives the world's processes clocks of their own, which go as the
// machine's do until they are moved. It is called before the first one starts.
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

// needsClocks passes over a test where the kernel does not let it answer.
func needsClocks(t *testing.T) {
	t.Helper()
	if _, ok := arches[runtime.GOARCH]; !ok {
		needs.Missing(t, "the clocks of a test are not made for "+runtime.GOARCH)
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
		needs.Missing(t, fmt.Sprintf("this kernel does not let a test answer for it: %v: %s", err, out))
	}
}

// under makes a command start under the clocks.
func (c *clocks) under(cmd *exec.Cmd) {
	self, err := os.Executable()
	if err != nil {
		c.t.Fatal(err)
	}
	cmd.Args = append([]string{underClock, c.socket.Addr().String(), cmd.Path}, cmd.Args...)
	cmd.Path = self
}

// end waits until nobody is under the clocks any more.
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

// sleep is what a sleep of the machine is to its processes: from one instant to the
// next the wall clock and CLOCK_BOOTTIME are on by d, and the kernel's timers ring.
func (c *clocks) sleep(d time.Duration) {
	c.t.Helper()
	c.move(d, d)
}

// sleepUntil is sleep until a wall time.
func (c *clocks) sleepUntil(at time.Time) {
	c.t.Helper()
	c.sleep(at.Sub(c.now()))
}

// sleepWhile is sleep during which something happens to the machine: no process can
// look at a clock before it is over.
func (c *clocks) sleepWhile(d time.Duration, happens func()) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	happens()
	if err := c.jump(d, d); err != nil {
		c.t.Errorf("the clocks cannot be moved: %v", err)
	}
}

// set is what "date --set" does: the wall clock alone jumps.
func (c *clocks) set(step time.Duration) {
	c.t.Helper()
	c.move(step, 0)
}

// move moves both clocks at one instant. Every timer that is armed keeps its time on
// its own clock; those that asked for it are told that the wall clock jumped.
func (c *clocks) move(wall, boot time.Duration) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.jump(wall, boot); err != nil {
		c.t.Errorf("the clocks cannot be moved: %v", err)
	}
}

// sleepAt is sleep between two readings: when n more were answered. Who reads is not
// said; a process reads several clocks, one after another.
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

// setAgain sets the wall clock again so many times when somebody was just told that it
// was set, and so many times just before somebody sets his timer anew.
func (c *clocks) setAgain(told, anew int, step time.Duration) (over <-chan struct{}) {
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
			if told == 0 && anew == 0 {
				c.told, c.anew = nil, nil
				close(all)
			}
		}
	}
	c.told, c.anew = again(&told), again(&anew)
	return all
}

// reading is called with each.
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

// ahead is by how much a clock is ahead of the machine's.
func (c *clocks) ahead(clock int32) time.Duration {
	if clock == unix.CLOCK_REALTIME {
		return c.wall
	}
	return c.boot
}

// now is the wall time of the world.
func (c *clocks) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.wall)
}

// accept takes in the processes that start.
func (c *clocks) accept() {
	for {
		conn, err := c.socket.AcceptUnix()
		if err != nil {
			return // closed
		}
		listener, err := receiveListener(conn)
		conn.Close()
		if errors.Is(err, io.EOF) {
			continue // it could not, and has said why
		}
		if err != nil {
			c.t.Errorf("a process does not come under the clocks: %v", err)
			continue
		}
		c.served.Go(func() { c.serve(listener) })
	}
}

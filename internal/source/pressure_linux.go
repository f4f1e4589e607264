package source

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// The machine becomes busy when processes waited for a resource for a fifth of a
// window of two seconds, and stops being busy when that has not happened for a
// minute. The kernel signals this (pressure stall information), so an idle machine
// is never woken. Two seconds is the shortest window that the kernel allows
// unprivileged users.
const (
	pressureTrigger = "some 400000 2000000\x00"
	pressureBusy    = 20 // percent of the last ten seconds
	calmAfter       = time.Minute
)

var pressureFiles = []string{"proc/pressure/cpu", "proc/pressure/memory", "proc/pressure/io"}

// load follows the pressure on the machine in its own goroutine.
type load struct {
	busy   atomic.Bool
	detail string // why the load is unknown
	stopW  *os.File
	done   chan struct{}
}

// startLoad watches the pressure files below root and calls changed after every
// change of busy.
func startLoad(root string, changed func()) *load {
	l := &load{done: make(chan struct{})}
	files, busy, err := openPressure(root)
	var stopR, stopW *os.File
	if err == nil {
		stopR, stopW, err = os.Pipe()
	}
	if err != nil {
		closeAll(files)
		l.detail = "load unknown: " + err.Error()
		close(l.done)
		return l
	}
	l.stopW = stopW
	l.busy.Store(busy)
	go func() {
		defer close(l.done)
		defer closeAll(append(files, stopR))
		l.run(files, stopR, changed)
	}()
	return l
}

// stop ends the goroutine and waits for it.
func (l *load) stop() {
	if l.stopW != nil {
		_ = l.stopW.Close()
	}
	<-l.done
}

func (l *load) run(files []*os.File, stop *os.File, changed func()) {
	fds := []unix.PollFd{{Fd: int32(stop.Fd()), Events: unix.POLLIN}}
	for _, f := range files {
		fds = append(fds, unix.PollFd{Fd: int32(f.Fd()), Events: unix.POLLPRI})
	}
	for {
		timeout := -1
		if l.busy.Load() {
			timeout = int(calmAfter.Milliseconds())
		}
		n, err := unix.Poll(fds, timeout)
		if err == unix.EINTR {
			continue
		}
		if err != nil || fds[0].Revents != 0 || failed(fds[1:]) {
			return
		}
		if l.busy.Swap(n > 0) != (n > 0) {
			changed()
		}
	}
}

func failed(fds []unix.PollFd) bool {
	for _, fd := range fds {
		if fd.Revents&(unix.POLLERR|unix.POLLNVAL) != 0 {
			return true
		}
	}
	return false
}

// openPressure sets a trigger on each resource. A trigger lives until its file is
// closed.
func openPressure(root string) (files []*os.File, busy bool, err error) {
	for _, name := range pressureFiles {
		f, err := os.OpenFile(filepath.Join(root, name), os.O_RDWR, 0)
		if err != nil {
			return files, busy, err
		}
		files = append(files, f)
		var recent float64
		if _, err := fmt.Fscanf(f, "some avg10=%f", &recent); err == nil && recent >= pressureBusy {
			busy = true
		}
		if _, err := f.WriteString(pressureTrigger); err != nil {
			return files, busy, err
		}
	}
	return files, busy, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

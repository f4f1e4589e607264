//go:build linux

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
)

// gate creates a gate at which runs wait: a named pipe.
func (w *world) gate(name string) {
	w.t.Helper()
	if err := syscall.Mkfifo(filepath.Join(w.dir, name), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// opens lets the runs that wait at a gate pass. It waits for at least one.
func (w *world) opens(name string) {
	w.t.Helper()
	f, err := os.OpenFile(w.path(name), os.O_WRONLY, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	f.Close()
}

// openCmd starts an application and returns when the broker has seen it.
func (w *world) openCmd(cmd *exec.Cmd) *process {
	w.t.Helper()
	w.output(cmd)
	p := begin(w.t, cmd)
	w.t.Cleanup(func() {
		p.signal(w.t, syscall.SIGCONT)
		p.kill(w.t)
	})
	w.awaitAttached(p.pid)
	return p
}

// output writes the output of an application to apps.log.
func (w *world) output(cmd *exec.Cmd) {
	w.t.Helper()
	f, err := os.OpenFile(w.path("apps.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { f.Close() })
	cmd.Stdout, cmd.Stderr = f, f
}

// awaitAttached waits until the broker's log says that a process has attached.
func (w *world) awaitAttached(pid int) {
	w.t.Helper()
	line := regexp.MustCompile(`msg="host attached" pid=` + strconv.Itoa(pid) + ` `)
	eventually(w.t, "pid "+strconv.Itoa(pid)+" is attached", func() bool {
		return line.Match(w.brokerLog())
	})
}

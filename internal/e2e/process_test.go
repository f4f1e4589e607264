//go:build linux

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait. No test relies on its length to pass.
const patience = 90 * time.Second

// process is a child of the test. It is reaped as soon as it has ended.
type process struct {
	cmd  *exec.Cmd
	pid  int
	done chan struct{} // closed when the process has ended
	err  error         // of Wait; valid after done
}

func begin(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, pid: cmd.Process.Pid, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = cmd.Wait()
	}()
	return p
}

func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// wait returns how the process ended: "exit status 3", "signal: killed", or "".
func (p *process) wait(t *testing.T) string {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Fatalf("pid %d, %v, does not end", p.pid, p.cmd.Args)
	}
	if p.err == nil {
		return ""
	}
	return p.err.Error()
}

func (p *process) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
}

func (p *process) kill(t *testing.T) {
	t.Helper()
	p.signal(t, syscall.SIGKILL)
	p.wait(t)
}

// eventually polls until a condition holds, for what no signal reports.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); {
		if time.Now().After(end) {
			t.Fatalf("this did not happen: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// seen is a process as /proc shows it.
type seen struct {
	pid   int
	state byte // 'R', 'S', 'T', 'Z', ...
	ppid  int
	exe   string
	args  string
	mine  bool // it belongs to the world with the given directory
}

func (s seen) String() string { return fmt.Sprintf("pid %d (%c) %s", s.pid, s.state, s.args) }

// processes returns all processes of a world: its directory is their home, or their
// program lies in it.
func processes(dir string) []seen {
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		panic(err)
	}
	var all []seen
	for _, entry := range entries {
		if s := look(entry, dir); s.mine {
			all = append(all, s)
		}
	}
	return all
}

func look(entry, dir string) seen {
	s := seen{}
	s.pid, _ = strconv.Atoi(filepath.Base(entry))
	stat, err := os.ReadFile(entry + "/stat")
	if err != nil {
		return s
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	s.state = fields[0][0]
	s.ppid, _ = strconv.Atoi(fields[1])
	args, _ := os.ReadFile(entry + "/cmdline")
	s.args = strings.TrimSpace(strings.ReplaceAll(string(args), "\x00", " "))
	s.exe, _ = os.Readlink(entry + "/exe")
	env, _ := os.ReadFile(entry + "/environ")
	s.mine = s.state != 'Z' && (strings.HasPrefix(s.exe, dir+"/") || bytes.Contains(append([]byte{0}, env...), []byte("\x00HOME="+dir+"\x00")))
	return s
}

// zombies returns the children of pid that have not been reaped.
func zombies(pid int) []seen {
	entries, _ := filepath.Glob("/proc/[0-9]*")
	var all []seen
	for _, entry := range entries {
		if s := look(entry, "/nowhere"); s.state == 'Z' && s.ppid == pid {
			all = append(all, s)
		}
	}
	return all
}

// descriptors counts the open files of pid.
func descriptors(t *testing.T, pid int) int {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// gone reports whether the process does not exist, or only waits to be reaped.
func gone(pid int) bool {
	s := look(fmt.Sprintf("/proc/%d", pid), "/nowhere")
	return s.state == 0 || s.state == 'Z'
}

//go:build linux

package process

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/bgtask/bgtask/task"
)

// proc is an entry of the process table, from /proc/PID/stat.
type proc struct {
	pid, parent, group, session int
	state                       byte
	threads                     int
	flags                       int
	start                       uint64 // clock ticks after boot
}

// kernelThread is PF_KTHREAD among the flags.
const kernelThread = 0x200000

// dead reports whether p has ended and was not reaped yet. A process whose main thread
// ended before its other threads looks like a zombie too, but is not dead.
func (p proc) dead() bool {
	return p.state == 'X' || p.state == 'x' || p.state == 'Z' && p.threads <= 1
}

// The fields of /proc/PID/stat, counted from the state, which follows the name.
const (
	statState   = 0
	statParent  = 1
	statGroup   = 2
	statSession = 3
	statFlags   = 6
	statThreads = 17
	statStart   = 19
)

// parseStat parses /proc/PID/stat. The process name in it may contain spaces, parentheses and
// line breaks; the last parenthesis ends it.
func parseStat(b []byte) (proc, error) {
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 0 || end < open {
		return proc{}, errors.New("no process name in /proc/PID/stat")
	}
	f := bytes.Fields(b[end+1:])
	if len(f) <= statStart || len(f[statState]) != 1 {
		return proc{}, errors.New("too few fields in /proc/PID/stat")
	}
	p := proc{state: f[statState][0]}
	for _, n := range []struct {
		text []byte
		to   *int
	}{
		{bytes.TrimSpace(b[:open]), &p.pid},
		{f[statParent], &p.parent},
		{f[statGroup], &p.group},
		{f[statSession], &p.session},
		{f[statThreads], &p.threads},
		{f[statFlags], &p.flags},
	} {
		v, err := strconv.Atoi(string(n.text))
		if err != nil {
			return proc{}, fmt.Errorf("/proc/PID/stat: %w", err)
		}
		*n.to = v
	}
	start, err := strconv.ParseUint(string(f[statStart]), 10, 64)
	if err != nil {
		return proc{}, fmt.Errorf("/proc/PID/stat: %w", err)
	}
	p.start = start
	return p, nil
}

// readProc reads the entry of one process. It returns ErrGone when there is none.
func readProc(pid int) (proc, error) {
	b, err := os.ReadFile(procPath(pid, "stat"))
	if err != nil {
		return proc{}, goneOr(err)
	}
	return parseStat(b)
}

// readProcs reads the process table. Processes come and go while it is read.
func readProcs() ([]proc, error) {
	pids, err := listPIDs()
	if err != nil {
		return nil, err
	}
	procs := make([]proc, 0, len(pids))
	for _, pid := range pids {
		if p, err := readProc(pid); err == nil { // otherwise it has ended meanwhile
			procs = append(procs, p)
		}
	}
	return procs, nil
}

func listPIDs() ([]int, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	pids := make([]int, 0, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// environment returns variables of the environment that a process was started with. They are
// empty for processes of other users, which cannot be read.
func environment(pid int, names ...string) []string {
	b := readBounded(procPath(pid, "environ"))
	for i := 0; len(b) == 0 && i < execRetries && inExec(pid); i++ {
		time.Sleep(time.Millisecond)
		b = readBounded(procPath(pid, "environ"))
	}
	values := make([]string, len(names))
	for i, name := range names {
		values[i] = variable(b, name)
	}
	return values
}

// execRetries, a millisecond apart, are for an execve that reads its program from a disk.
const execRetries = 20

// inExec reports whether a process is in the middle of execve. It then has neither
// arguments nor an environment.
func inExec(pid int) bool {
	if len(readBounded(procPath(pid, "cmdline"))) > 0 {
		return false
	}
	p, err := readProc(pid)
	return err == nil && !p.dead() && p.flags&kernelThread == 0
}

// maxEnviron is the kernel's bound for arguments and environment, in bytes.
const maxEnviron = 6 << 20

// readBounded reads a file of another process, or nothing if that is not allowed.
func readBounded(path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxEnviron))
	if err != nil {
		return nil
	}
	return b
}

// variable returns the value of name in an environment as the kernel keeps it. The first
// entry counts, as for getenv.
func variable(environ []byte, name string) string {
	for len(environ) > 0 {
		entry, rest, _ := bytes.Cut(environ, []byte{0})
		if key, value, ok := bytes.Cut(entry, []byte{'='}); ok && string(key) == name {
			return string(value)
		}
		environ = rest
	}
	return ""
}

// fileID identifies an open file, whatever its name.
type fileID struct{ dev, ino uint64 }

func identifyFile(path string) (fileID, bool) {
	info, err := os.Stat(path)
	if err != nil {
		return fileID{}, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileID{}, false
	}
	return fileID{uint64(st.Dev), st.Ino}, true
}

func procPath(pid int, name string) string {
	return "/proc/" + strconv.Itoa(pid) + "/" + name
}

// goneOr returns ErrGone for an error of /proc or a pidfd that means that the process does
// not exist, and any other error unchanged.
func goneOr(err error) error {
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return ErrGone
	}
	return err
}

func readBootID() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return string(bytes.TrimSpace(b)), err
}

func tokenOf(s string) (task.LaunchToken, bool) {
	g, err := task.ParseGUID(s)
	return task.LaunchToken(g), err == nil && !g.IsZero()
}

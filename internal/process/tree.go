//go:build linux

package process

import (
	"errors"
	"os"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/task"
)

// tree is what is known about the processes of one launch. Its launch guards it.
type tree struct {
	token  task.LaunchToken
	state  string         // the state directory's id: a copy of the directory has the same tokens
	leader task.Process   // zero when it is not known
	files  []fileID       // standard output and standard error
	seen   map[int]uint64 // members at the last look: pid and start time
}

// look returns the living members in the process table, oldest first, and remembers them. If
// it finds none, there are none.
func (t *tree) look() ([]proc, error) {
	procs, marked, err := t.survey(os.Getpid())
	if err != nil {
		return nil, err
	}
	members := t.members(procs, os.Getpid(), marked)
	t.seen = make(map[int]uint64, len(members))
	for _, p := range members {
		t.seen[p.pid] = p.start
	}
	return slices.DeleteFunc(members, proc.dead), nil
}

// maxListings bounds how often the process table is listed for one look.
const maxListings = 50

// survey reads the process table and finds the processes that have a mark of the launch. A
// process may fork and end between the listing and the look at it, so the table is listed
// again until it has no new process. Every process that lives then was looked at alive.
func (t *tree) survey(self int) (procs []proc, marked map[int]bool, err error) {
	listed := map[int]bool{}
	marked = map[int]bool{}
	for range maxListings {
		pids, err := listPIDs()
		if err != nil {
			return nil, nil, err
		}
		fresh := false
		for _, pid := range pids {
			if listed[pid] {
				continue
			}
			listed[pid], fresh = true, true
			p, err := readProc(pid)
			if err != nil {
				continue
			}
			procs = append(procs, p)
			if t.possible(p, self) && !p.dead() && t.carries(pid) {
				marked[pid] = true
			}
		}
		if !fresh {
			break
		}
	}
	return procs, marked, nil
}

// members returns the tree's processes in a process table of which some are marked. This
// program and init never belong to a tree.
func (t *tree) members(procs []proc, self int, marked map[int]bool) []proc {
	in := map[int]bool{}
	ours := false // the leader's pid is the number of its session and group, and of no later one
	for _, p := range procs {
		switch {
		case !t.possible(p, self):
		case t.isLeader(p), t.seen[p.pid] == p.start && p.start != 0:
			in[p.pid] = true
			ours = ours || t.isLeader(p)
		case marked[p.pid]:
			in[p.pid] = true
			ours = ours || t.inSession(p)
		}
	}
	for grown := true; grown; {
		grown = false
		for _, p := range procs {
			if in[p.pid] || !t.possible(p, self) {
				continue
			}
			if in[p.parent] || ours && t.inSession(p) {
				in[p.pid], grown = true, true
			}
		}
	}
	var members []proc
	for _, p := range procs {
		if in[p.pid] {
			members = append(members, p)
		}
	}
	slices.SortFunc(members, older)
	return members
}

// possible reports whether a process can belong to the tree. Nothing in a tree is older than
// its leader.
func (t *tree) possible(p proc, self int) bool {
	return p.pid > 1 && p.pid != self && p.start >= t.leader.Start
}

func (t *tree) isLeader(p proc) bool {
	return p.pid == t.leader.PID && p.start == t.leader.Start
}

func (t *tree) inSession(p proc) bool {
	return t.leader.PID > 1 && (p.session == t.leader.PID || p.group == t.leader.PID)
}

// carries reports whether a process has the token in its environment or writes to the output
// of the launch.
func (t *tree) carries(pid int) bool {
	if v := environment(pid, task.TreeEnv, StateEnv); v[0] == t.token.String() && v[1] == t.state {
		return true
	}
	for _, fd := range []string{"fd/1", "fd/2"} {
		if id, ok := identifyFile(procPath(pid, fd)); ok && slices.Contains(t.files, id) {
			return true
		}
	}
	return false
}

// older orders processes by age. Of those started in the same tick, a session leader comes
// first.
func older(a, b proc) int {
	switch {
	case a.start != b.start:
		return before(a.start < b.start)
	case (a.session == a.pid) != (b.session == b.pid):
		return before(a.session == a.pid)
	}
	return a.pid - b.pid
}

func before(less bool) int {
	if less {
		return -1
	}
	return 1
}

// maxRounds bounds how often a signal is sent again to processes that the tree forked
// meanwhile.
const maxRounds = 10

// signal sends sig once to every member, including those that are forked meanwhile. It returns
// how many got it.
func (t *tree) signal(sig syscall.Signal) (sent int, err error) {
	done := map[int]uint64{}
	for range maxRounds {
		members, lookErr := t.look()
		if lookErr != nil {
			return sent, lookErr
		}
		fresh := 0
		for _, p := range members {
			if done[p.pid] == p.start {
				continue
			}
			done[p.pid] = p.start
			fresh++
			if failed := send(p.pid, p.start, sig); failed == nil {
				sent++
			} else if !errors.Is(failed, ErrGone) {
				err = failed
			}
		}
		if fresh == 0 {
			break
		}
	}
	return sent, err
}

// send signals one process. A stopped process would not receive SIGTERM, so it is continued.
func send(pid int, start uint64, sig syscall.Signal) error {
	h, err := openHandle(pid, start)
	if err != nil {
		return err
	}
	defer h.close()
	if err := h.signal(sig); err != nil || sig != unix.SIGTERM {
		return err
	}
	_ = h.signal(unix.SIGCONT) // the process may have ended by SIGTERM
	return nil
}

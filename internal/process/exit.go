//go:build linux

package process

import (
	"errors"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Exit is how a process ended.
type Exit struct {
	Known      bool           // false when the process was not a child and the kernel does not report its exit
	Code       int            // its exit status, when Signal is 0
	Signal     syscall.Signal // the signal that ended it, or 0
	CoreDumped bool
	Stderr     string // the last lines of its standard error, at most task.MaxStderrTail bytes
}

// String returns "exit 3" or "signal killed", or "" when the exit is not known.
func (e Exit) String() string {
	switch {
	case !e.Known:
		return ""
	case e.Signal != 0:
		return "signal " + e.Signal.String()
	}
	return "exit " + strconv.Itoa(e.Code)
}

// Ended reports that a launch is over and nothing of its tree is left. If even SIGKILL did
// not end the processes in Left, another Ended follows when they are gone.
type Ended struct {
	Left []int // pids
}

// Codes of a siginfo about a child.
const (
	childExited = 1 // CLD_EXITED
	childDumped = 3 // CLD_DUMPED
)

// childInfo is the siginfo_t that waitid fills.
type childInfo struct {
	signo  int32
	_      int32 // errno; MIPS has code here, and is not supported
	code   int32
	_      [wordPadding]int32
	pid    int32
	uid    uint32
	status int32
	_      [104]byte // siginfo_t has 128 bytes
}

// wordPadding aligns the union in a siginfo_t: one int32 on 64 bits, none on 32.
const wordPadding = unsafe.Sizeof(uintptr(0))/4 - 1

func (c childInfo) exit() Exit {
	if c.code == childExited {
		return Exit{Known: true, Code: int(c.status)}
	}
	return Exit{Known: true, Signal: syscall.Signal(c.status), CoreDumped: c.code == childDumped}
}

// waitChild is waitid, but does not wait. A pid of 0 means that nothing has ended yet.
func waitChild(idType, id, options int) (childInfo, error) {
	for {
		var info childInfo
		err := unix.Waitid(idType, id, (*unix.Siginfo)(unsafe.Pointer(&info)), unix.WEXITED|unix.WNOHANG|options, nil)
		if errors.Is(err, unix.EAGAIN) { // a pidfd that does not block
			return childInfo{}, nil
		}
		if !errors.Is(err, unix.EINTR) {
			return info, err
		}
	}
}

// strangerExit asks the kernel for the exit of a process that is not a child of this
// program. Linux 6.15 and later know it, once the process's parent has reaped it.
func strangerExit(pidfd int) Exit {
	hangup := []unix.PollFd{{Fd: int32(pidfd)}} // no events: waits for POLLHUP, which comes with the reaping
	for deadline := time.Now().Add(reapingPatience); ; {
		info := unix.PidfdInfo{Mask: unix.PIDFD_INFO_EXIT}
		if unix.IoctlPidfdInfo(pidfd, &info) != nil {
			return Exit{}
		}
		if info.Mask&unix.PIDFD_INFO_EXIT != 0 {
			return fromStatus(syscall.WaitStatus(info.Exit_code))
		}
		left := time.Until(deadline).Milliseconds()
		if left <= 0 {
			return Exit{}
		}
		_, _ = unix.Poll(hangup, int(left)) // a signal may end it early: the next round asks again in any case
	}
}

// reapingPatience is long enough for a parent that reaps its children immediately, as
// an init does, on a machine that is busy.
const reapingPatience = time.Second

func fromStatus(s syscall.WaitStatus) Exit {
	if s.Exited() {
		return Exit{Known: true, Code: s.ExitStatus()}
	}
	return Exit{Known: true, Signal: s.Signal(), CoreDumped: s.CoreDump()}
}

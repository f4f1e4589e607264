//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// asked lists the system calls that the kernel passes to the test. A condition covers
// the low half of an argument, which is a small number.
var asked = []struct {
	call uint32
	arg  uint32
	is   []uint32 // empty: any value
}{
	{unix.SYS_CLOCK_GETTIME, 0, []uint32{unix.CLOCK_REALTIME, unix.CLOCK_BOOTTIME}},
	{unix.SYS_TIMERFD_SETTIME, 0, nil},
	{unix.SYS_READ, 2, []uint32{timerRead}},
	{unix.SYS_SCHED_GETAFFINITY, 0, nil}, // a Go program calls it before it looks at a clock: see useSystemCalls
}

// timerRead is the number of bytes in a read from a timerfd.
const timerRead = 8

// Offsets in struct seccomp_data. Arguments have eight bytes, low half first.
const (
	dataCall = 0
	dataArch = 4
	dataArgs = 16
)

// clockFilter returns the program for the kernel.
func clockFilter() []unix.SockFilter {
	const (
		load  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		give  = unix.BPF_RET | unix.BPF_K
	)
	allow := unix.SockFilter{Code: give, K: unix.SECCOMP_RET_ALLOW}
	ask := unix.SockFilter{Code: give, K: unix.SECCOMP_RET_USER_NOTIF}
	program := []unix.SockFilter{
		{Code: load, K: dataArch}, {Code: equal, K: arches[runtime.GOARCH].audit, Jt: 1}, allow,
		{Code: load, K: dataCall},
	}
	for _, a := range asked {
		then := []unix.SockFilter{ask}
		if len(a.is) > 0 {
			then = []unix.SockFilter{{Code: load, K: dataArgs + 8*a.arg}}
			for i, value := range a.is {
				then = append(then, unix.SockFilter{Code: equal, K: value, Jt: uint8(len(a.is) - i)})
			}
			then = append(then, allow, ask)
		}
		program = append(program, unix.SockFilter{Code: equal, K: a.call, Jf: uint8(len(then))})
		program = append(program, then...)
	}
	return append(program, allow)
}

// clockMain is the test binary called as under-clock: SOCKET PROGRAM ARGUMENTS, the
// first of which is the program's name. It replaces itself with that program.
func clockMain(args []string) int {
	runtime.LockOSThread() // the filter applies to this thread, which becomes the program
	conn, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Connect(conn, &unix.SockaddrUnix{Name: args[0]})
	}
	if err != nil {
		return fail(fmt.Errorf("%s: %w", args[0], err))
	}
	env := os.Environ()
	listener, err := installFilter()
	if err != nil {
		return fail(err)
	}
	if err := unix.Sendmsg(conn, []byte{0}, unix.UnixRights(listener), nil, 0); err != nil {
		return fail(err)
	}
	unix.Close(listener) // a process that held it would never be seen to end
	return fail(syscall.Exec(args[1], args[2:], env))
}

// installFilter puts the calling thread, and everything it starts, under the filter.
func installFilter() (listener int, err error) {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, err
	}
	program := clockFilter()
	fprog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	const flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
	fd, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&fprog)))
	runtime.KeepAlive(program)
	if errno != 0 {
		return 0, fmt.Errorf("seccomp: %w", errno)
	}
	return int(fd), nil
}

// receiveListener receives what clockMain sends.
func receiveListener(conn *net.UnixConn) (int, error) {
	oob := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := conn.ReadMsgUnix(make([]byte, 1), oob)
	if err != nil {
		return 0, err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:n])
	if err != nil {
		return 0, err
	}
	for _, m := range messages {
		if fds, err := unix.ParseUnixRights(&m); err == nil && len(fds) == 1 {
			return fds[0], nil
		}
	}
	return 0, errors.New("it sent no listener")
}

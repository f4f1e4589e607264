//go:build linux

package e2e

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// notification is struct seccomp_notif: a thread waits for the answer to a call.
type notification struct {
	ID    uint64
	TID   uint32
	Flags uint32
	Call  int32
	Arch  uint32
	IP    uint64
	Args  [6]uint64
}

// answer is struct seccomp_notif_resp.
type answer struct {
	ID    uint64
	Value int64
	Errno int32 // negative
	Flags uint32
}

// letKernel lets the kernel carry out the call.
var letKernel = answer{Flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}

func failWith(errno unix.Errno) answer { return answer{Errno: -int32(errno)} }

// serve answers one program and all its descendants until the last has ended.
func (c *clocks) serve(listener int) {
	defer c.forget(listener)
	for {
		poll := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(poll, -1); err == unix.EINTR {
			continue
		}
		if poll[0].Revents&unix.POLLIN == 0 {
			return // all processes have ended
		}
		var n notification
		if err := ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)); err != nil {
			continue // the process was killed meanwhile
		}
		a, err := c.answer(listener, n)
		a.ID = n.ID
		waits := ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_ID_VALID, unsafe.Pointer(&n.ID)) == nil
		if err != nil && waits {
			c.t.Errorf("system call %d of a process under the clocks: %v", n.Call, err)
			a = answer{ID: n.ID, Errno: -int32(unix.ENOSYS)}
		}
		_ = ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&a)) // fails if the process was killed
	}
}

func ioctl(fd int, request uint, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}

// forget releases the timers of a listener's processes, and the listener.
func (c *clocks) forget(listener int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, t := range c.timers {
		if key.listener == listener {
			unix.Close(t.fd)
			delete(c.timers, key)
		}
	}
	unix.Close(listener)
}

func (c *clocks) answer(listener int, n notification) (answer, error) {
	switch uint32(n.Call) {
	case unix.SYS_CLOCK_GETTIME:
		return c.read(n)
	case unix.SYS_TIMERFD_SETTIME:
		return c.setTimer(listener, n)
	case unix.SYS_READ:
		return c.readTimer(listener, n)
	}
	return letKernel, useSystemCalls(int(n.TID))
}

// read answers a reading of a clock.
func (c *clocks) read(n notification) (answer, error) {
	clock := int32(n.Args[0])
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading()
	var ts unix.Timespec
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return answer{}, err
	}
	ts = unix.NsecToTimespec(ts.Nano() + int64(c.ahead(clock)))
	return answer{}, poke(n, n.Args[1], bytesOf(&ts))
}

// peek and poke read and write the memory of the process that made the call.
func peek(n notification, at uint64, into []byte) error {
	return transfer(unix.ProcessVMReadv, n, at, into)
}

// bytesOf returns the bytes of a kernel struct.
func bytesOf[T any](v *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v))
}

func poke(n notification, at uint64, from []byte) error {
	return transfer(unix.ProcessVMWritev, n, at, from)
}

func transfer(call func(int, []unix.Iovec, []unix.RemoteIovec, uint) (int, error), n notification, at uint64, b []byte) error {
	local := []unix.Iovec{{Base: &b[0], Len: uint64(len(b))}}
	done, err := call(int(n.TID), local, []unix.RemoteIovec{{Base: uintptr(at), Len: len(b)}}, 0)
	if err == nil && done != len(b) {
		err = unix.EFAULT
	}
	return err
}

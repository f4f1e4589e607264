package source

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Multicast groups of NETLINK_KOBJECT_UEVENT: the kernel's events, and those of udev,
// which follow when its rules have run and contain its properties.
const (
	kernelGroup = 1
	udevGroup   = 2
)

const (
	ueventBuffer = 1 << 20  // bytes in the kernel, enough for many devices plugged in together
	ueventSize   = 64 << 10 // bytes per message; the kernel's limit is 2 KiB, udev's is larger
)

// errUeventsLost means that the kernel's buffer overflowed.
var errUeventsLost = errors.New("device events were lost")

// uevent is an event of a device.
type uevent struct {
	action     string // add, remove, change, bind, ...
	path       string // in sysfs, beginning with /devices
	subsystem  string
	properties map[string]string
}

// uevents is a socket that receives device events.
type uevents struct {
	file  *os.File
	group uint32
	buf   []byte
}

// openUevents listens to udev if it is running, else to the kernel.
func openUevents(root string) (*uevents, error) {
	group := uint32(kernelGroup)
	if _, err := os.Stat(filepath.Join(root, "run/udev/control")); err == nil {
		group = udevGroup
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, fmt.Errorf("open a socket for device events: %w", err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, ueventBuffer) // best effort; the kernel caps it at the system's limit
	err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: group})
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("listen to device events: %w", err)
	}
	return &uevents{file: os.NewFile(uintptr(fd), "uevents"), group: group, buf: make([]byte, ueventSize)}, nil
}

// close also ends a read in progress.
func (u *uevents) close() { _ = u.file.Close() }

// read waits for the next event. After errUeventsLost it can be called again.
func (u *uevents) read() (uevent, error) {
	raw, err := u.file.SyscallConn()
	if err != nil {
		return uevent{}, err
	}
	for {
		var message []byte
		var failed error
		err := raw.Read(func(fd uintptr) bool {
			message, failed = u.receive(int(fd))
			return !errors.Is(failed, unix.EAGAIN) && !errors.Is(failed, unix.EINTR)
		})
		switch {
		case err != nil:
			return uevent{}, err
		case errors.Is(failed, unix.ENOBUFS):
			return uevent{}, errUeventsLost
		case failed != nil:
			return uevent{}, failed
		}
		if e, ok := parseUevent(message); ok {
			return e, nil
		}
	}
}

// receive reads one message. It returns nil if the sender is neither the kernel
// nor udev.
func (u *uevents) receive(fd int) ([]byte, error) {
	oob := make([]byte, unix.CmsgSpace(unix.SizeofUcred))
	n, oobn, _, from, err := unix.Recvmsg(fd, u.buf, oob, 0)
	if err != nil {
		return nil, err
	}
	sender, ok := from.(*unix.SockaddrNetlink)
	if !ok || sender.Groups != u.group || u.group == kernelGroup && sender.Pid != 0 || !fromRoot(oob[:oobn]) {
		return nil, nil
	}
	return u.buf[:n], nil
}

func fromRoot(oob []byte) bool {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(messages) != 1 {
		return false
	}
	cred, err := unix.ParseUnixCredentials(&messages[0])
	return err == nil && cred.Uid == 0
}

// udevMagic follows "libudev\0" in network byte order.
const udevMagic = 0xfeedcafe

// parseUevent parses the kernel's format, "add@/devices/...", or udev's, which
// has a binary header.
func parseUevent(b []byte) (uevent, bool) {
	if bytes.HasPrefix(b, []byte("libudev\x00")) {
		if len(b) < 24 || binary.BigEndian.Uint32(b[8:]) != udevMagic {
			return uevent{}, false
		}
		from, size := uint64(binary.NativeEndian.Uint32(b[16:])), uint64(binary.NativeEndian.Uint32(b[20:]))
		if from+size > uint64(len(b)) {
			return uevent{}, false
		}
		b = b[from : from+size]
	} else {
		head, rest, ok := bytes.Cut(b, []byte{0})
		if !ok || !bytes.ContainsRune(head, '@') {
			return uevent{}, false
		}
		b = rest
	}
	e := uevent{properties: map[string]string{}}
	for field := range strings.SplitSeq(string(b), "\x00") {
		if name, value, ok := strings.Cut(field, "="); ok {
			e.properties[name] = value
		}
	}
	e.action, e.path, e.subsystem = e.properties["ACTION"], e.properties["DEVPATH"], e.properties["SUBSYSTEM"]
	return e, e.action != "" && e.path != ""
}

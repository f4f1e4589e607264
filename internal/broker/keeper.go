//go:build linux

package broker

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/internal/source"
)

// fdStore is the store of descriptors that the service manager has for its service:
// they stay open when the broker is killed, and its next process inherits them.
type fdStore struct{ broker *broker }

// keeper is the manager's store; nil when it has none for us. It says so since
// systemd 254.
func (b *broker) keeper() source.Keeper {
	if os.Getenv("FDSTORE") == "" || os.Getenv("NOTIFY_SOCKET") == "" {
		return nil
	}
	return fdStore{b}
}

// Keep implements source.Keeper. To give what is there already changes nothing.
func (s fdStore) Keep(name string, file *os.File) bool {
	err := sendFile("FDSTORE=1\nFDNAME="+name, file)
	if err != nil {
		s.broker.log.Warn("the service manager does not keep a socket: its connections end with the broker", "socket", file.Name(), "err", err)
	}
	return err == nil
}

// Forget implements source.Keeper.
func (s fdStore) Forget(name string) {
	if err := tellManager("FDSTOREREMOVE=1\nFDNAME="+name, nil); err != nil {
		s.broker.log.Warn("the service manager cannot be told", "forget", name, "err", err)
	}
}

// sendFile tells the service manager something that comes with a descriptor.
func sendFile(state string, file *os.File) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	failed := raw.Control(func(fd uintptr) { err = tellManager(state, unix.UnixRights(int(fd))) })
	return errors.Join(failed, err)
}

// managerPatience is how long a service manager may take to make room for what it is
// told: the broker waits for it.
var managerPatience = time.Second

// tellManager is sd_notify with descriptors, and with a bound.
func tellManager(state string, rights []byte) error {
	manager, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(manager)
	bound := unix.NsecToTimeval(managerPatience.Nanoseconds())
	if err := unix.SetsockoptTimeval(manager, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &bound); err != nil {
		return err
	}
	err = unix.Sendmsg(manager, []byte(state), rights, &unix.SockaddrUnix{Name: os.Getenv("NOTIFY_SOCKET")}, 0)
	if err == unix.EAGAIN {
		return fmt.Errorf("the service manager did not listen for %v", managerPatience)
	}
	return err
}

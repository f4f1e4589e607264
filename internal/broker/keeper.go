//go:build linux

package broker

import (
	"errors"
	"os"

	"github.com/coreos/go-systemd/v22/daemon"
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
	if _, err := daemon.SdNotify(false, "FDSTOREREMOVE=1\nFDNAME="+name); err != nil {
		s.broker.log.Warn("the service manager cannot be told", "forget", name, "err", err)
	}
}

// sendFile tells the service manager something that comes with a descriptor.
func sendFile(state string, file *os.File) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	manager, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(manager)
	failed := raw.Control(func(fd uintptr) {
		err = unix.Sendmsg(manager, []byte(state), unix.UnixRights(int(fd)), &unix.SockaddrUnix{Name: os.Getenv("NOTIFY_SOCKET")}, 0)
	})
	return errors.Join(failed, err)
}

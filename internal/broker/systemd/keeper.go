//go:build linux

package systemd

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/internal/source"
)

// fdStore is the service manager's store of descriptors: they stay open when the
// broker is killed, and its next process inherits them.
type fdStore struct{ log *slog.Logger }

// Keeper returns the service manager's descriptor store, or nil when the manager
// offers none. Managers announce one since systemd 254.
func (s *Service) Keeper() source.Keeper {
	if os.Getenv("FDSTORE") == "" || os.Getenv("NOTIFY_SOCKET") == "" {
		return nil
	}
	return fdStore{s.log}
}

// Keep implements source.Keeper. Keeping a socket that is already kept changes
// nothing.
func (s fdStore) Keep(name string, file *os.File) bool {
	err := sendFile("FDSTORE=1\nFDNAME="+name, file)
	if err != nil {
		s.log.Warn("the service manager does not keep a socket; its connections end with the broker", "socket", file.Name(), "err", err)
	}
	return err == nil
}

// Forget implements source.Keeper.
func (s fdStore) Forget(name string) {
	if err := notify("FDSTOREREMOVE=1\nFDNAME="+name, nil); err != nil {
		s.log.Warn("cannot remove a socket from the service manager's store", "socket", name, "err", err)
	}
}

// sendFile notifies the service manager and passes it a descriptor.
func sendFile(state string, file *os.File) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	failed := raw.Control(func(fd uintptr) { err = notify(state, unix.UnixRights(int(fd))) })
	return errors.Join(failed, err)
}

// managerPatience is how long a service manager may take to make room for a
// notification. The broker's loop waits for it.
var managerPatience = time.Second

// notify is sd_notify with descriptors and a bound.
func notify(state string, rights []byte) error {
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
	if errors.Is(err, unix.EAGAIN) {
		return fmt.Errorf("the service manager did not read its notifications for %v", managerPatience)
	}
	return err
}

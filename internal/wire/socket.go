package wire

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/bgtask/bgtask/task"
)

// SocketEnv is the environment variable that overrides the path of the broker's socket.
const SocketEnv = "BGTASK_SOCKET"

// maxSocketPath is the length of sockaddr_un's sun_path without its NUL.
const maxSocketPath = 107

// SocketPath returns the path of the broker's socket: $BGTASK_SOCKET, else
// bgtask/bgtask.sock in $XDG_RUNTIME_DIR, else in /run/user/UID.
func SocketPath() (string, error) {
	return socketPath(os.Getenv(SocketEnv), os.Getenv("XDG_RUNTIME_DIR"), "/run/user/"+strconv.Itoa(os.Getuid()))
}

func socketPath(socket, xdg, run string) (string, error) {
	if socket != "" {
		return socket, nil
	}
	for _, dir := range []string{xdg, run} {
		if filepath.IsAbs(dir) && isDir(dir) {
			return filepath.Join(dir, "bgtask", "bgtask.sock"), nil
		}
	}
	return "", &task.Error{
		Err:    task.ErrUnavailable,
		Detail: fmt.Sprintf("there is no directory for the broker's socket: XDG_RUNTIME_DIR is %q and there is no %s", xdg, run),
		Hint:   "log in through the system's login service, or set " + SocketEnv + " to a path in a directory of your own",
	}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// Listen creates the broker's socket with mode 0600, in a directory that has mode 0700
// and belongs to the caller. It replaces a socket on which no process listens. If a
// process listens on it, Listen fails with ErrConflict.
func Listen(path string) (*net.UnixListener, error) {
	if err := prepare(path); err != nil {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, socketError(path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, socketError(path, err)
	}
	return l, nil
}

func prepare(path string) error {
	if len(path) > maxSocketPath {
		return &task.Error{Op: "listen", Subject: path, Err: task.ErrLimit,
			Detail: fmt.Sprintf("the socket's path has %d bytes; the kernel takes %d", len(path), maxSocketPath), Hint: "choose a shorter one"}
	}
	if err := privateDir(filepath.Dir(path)); err != nil {
		return err
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return socketError(path, err)
	case info.Mode().Type() != fs.ModeSocket:
		return &task.Error{Op: "listen", Subject: path, Err: task.ErrConflict, Detail: "there is a file that is not a socket", Hint: "move it away"}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if conn, err := new(net.Dialer).DialContext(ctx, "unix", path); err == nil {
		_ = conn.Close()
		return &task.Error{Op: "listen", Subject: path, Err: task.ErrConflict, Detail: "another broker listens there", Hint: "'bgtask daemon stop' ends it"}
	} else if !errors.Is(err, syscall.ECONNREFUSED) {
		return socketError(path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return socketError(path, err)
	}
	return nil
}

// privateDir makes dir if it does not exist, and refuses one that other users could
// enter.
func privateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return socketError(dir, err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return socketError(dir, err)
	}
	if owner, ok := ownerOf(info); ok && owner != os.Getuid() {
		return &task.Error{Op: "listen", Subject: dir, Err: task.ErrAccessDenied,
			Detail: fmt.Sprintf("the directory belongs to uid %d", owner), Hint: "the socket needs a directory of your own"}
	}
	if info.Mode().Perm()&0o077 != 0 {
		return &task.Error{Op: "listen", Subject: dir, Err: task.ErrAccessDenied,
			Detail: fmt.Sprintf("others may enter the socket's directory, its mode is %04o", info.Mode().Perm()), Hint: "chmod 700 " + dir}
	}
	return nil
}

func socketError(path string, err error) error {
	return &task.Error{Op: "listen", Subject: path, Err: fmt.Errorf("%w: %w", task.ErrUnavailable, err), Detail: err.Error()}
}

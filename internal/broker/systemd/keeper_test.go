//go:build linux

package systemd

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fakeManager is a service manager that leaves its notifications in its queue.
func fakeManager(t *testing.T) *net.UnixConn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("FDSTORE", "1")
	t.Setenv("NOTIFY_SOCKET", path)
	return conn
}

func TestDescriptorsReachTheManager(t *testing.T) {
	conn := fakeManager(t)
	keeper := NewService(slog.New(slog.DiscardHandler)).Keeper()
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if !keeper.Keep("tcp:1", file) {
		t.Error("Keep did not keep the file")
	}
	keeper.Forget("tcp:2")
	for _, want := range []struct {
		text  string
		files int
	}{{"FDSTORE=1\nFDNAME=tcp:1", 1}, {"FDSTOREREMOVE=1\nFDNAME=tcp:2", 0}} {
		text, rights := make([]byte, 100), make([]byte, unix.CmsgSpace(4*4))
		n, oob, _, _, err := conn.ReadMsgUnix(text, rights)
		if err != nil {
			t.Fatal(err)
		}
		files := 0
		if messages, err := unix.ParseSocketControlMessage(rights[:oob]); err != nil {
			t.Error(err)
		} else if len(messages) == 1 {
			fds, _ := unix.ParseUnixRights(&messages[0])
			files = len(fds)
			for _, fd := range fds {
				unix.Close(fd)
			}
		}
		if string(text[:n]) != want.text || files != want.files {
			t.Errorf("received %q with %d files, want %q with %d", text[:n], files, want.text, want.files)
		}
	}
}

// The broker's loop waits for notifications, so a manager that does not read them must
// not block it.
func TestAManagerThatDoesNotRead(t *testing.T) {
	fakeManager(t)
	defer func(old time.Duration) { managerPatience = old }(managerPatience)
	managerPatience = 10 * time.Millisecond
	for range 100_000 {
		if err := notify("STATUS=more than it reads", nil); err != nil {
			return
		}
	}
	t.Error("every notification was accepted: no bound was reached")
}

package wire

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/bgtask/bgtask/task"
)

// lender answers on the lending socket beside socket as uid.
func lender(t *testing.T, uid int, find func(pid int, instance task.GUID) (*os.File, error)) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "d", "b.sock")
	l, err := Listen(LendSocket(socket))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.AcceptUnix()
			if err != nil {
				return
			}
			_ = Lend(c, uid, find) // the borrower sees the refusal
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return socket
}

func TestBorrow(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	mine := task.GUID{1, 2, 3}
	socket := lender(t, os.Getuid(), func(pid int, instance task.GUID) (*os.File, error) {
		if pid != os.Getpid() || instance != mine {
			return nil, &task.Error{Subject: "web", Err: task.ErrNotRegistered, Detail: "no such run", Hint: "none"}
		}
		return l.(*net.TCPListener).File()
	})
	file, err := Borrow(t.Context(), socket, mine)
	if err != nil {
		t.Fatal(err)
	}
	borrowed, err := net.FileListener(file)
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c, err := borrowed.Accept() // a connection to the one socket is accepted on the other
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "hello")
	c.Close()
	if b, err := io.ReadAll(client); err != nil || string(b) != "hello" {
		t.Errorf("the client got %q, %v", b, err)
	}
	borrowed.Close()
	if c, err := net.Dial("tcp", l.Addr().String()); err != nil {
		t.Errorf("the lender's end is closed too: %v", err)
	} else {
		c.Close()
	}

	_, err = Borrow(t.Context(), socket, task.GUID{9})
	if !errors.Is(err, task.ErrNotRegistered) || task.Hint(err) != "none" {
		t.Errorf("another run's: %v, hint %q", err, task.Hint(err))
	}
}

func TestBorrowFromNobody(t *testing.T) {
	if _, err := Borrow(t.Context(), filepath.Join(t.TempDir(), "b.sock"), task.GUID{}); !errors.Is(err, task.ErrUnavailable) {
		t.Errorf("without a broker: %v", err)
	}
	socket := lender(t, os.Getuid()+1, func(int, task.GUID) (*os.File, error) { panic("another user was let in") })
	if _, err := Borrow(t.Context(), socket, task.GUID{}); !errors.Is(err, task.ErrUnavailable) {
		t.Errorf("of another user: %v", err)
	}
}

// Whatever a hostile peer sends ends in an error and leaks no descriptor.
func FuzzReceive(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte("0"))
	f.Add([]byte{1, 8, 5, 18, 2, 'n', 'o'})
	f.Fuzz(func(t *testing.T, answer []byte) {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s")})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		near, err := net.DialUnix("unix", nil, l.Addr().(*net.UnixAddr))
		if err != nil {
			t.Fatal(err)
		}
		defer near.Close()
		far, err := l.AcceptUnix()
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			far.Write(answer)
			far.Close()
		}()
		if file, err := receive(near); file != nil || err == nil {
			t.Errorf("%q: %v, %v", answer, file, err)
		}
	})
}

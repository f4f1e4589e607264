//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bgtask/bgtask"
	"github.com/bgtask/bgtask/internal/needs"
	"github.com/bgtask/bgtask/task"
)

// appAnswer serves the waiting connections, and ends when none comes for a while. It
// answers each connection with its process and run.
func appAnswer(i *bgtask.Instance) error {
	l, err := i.Listener()
	if err != nil {
		return err
	}
	for {
		l.(interface{ SetDeadline(time.Time) error }).SetDeadline(time.Now().Add(50 * time.Millisecond))
		c, err := l.Accept()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		} else if err != nil {
			return err
		}
		fmt.Fprintf(c, "pid %d occurrence %d", os.Getpid(), i.Occurrence().Number)
		c.Close()
	}
}

// answerOne is a command that serves one connection of the listener that it got as
// descriptor 3.
const answerOne = `
import os, socket
assert os.environ["LISTEN_PID"] == str(os.getpid()), os.environ
assert os.environ["LISTEN_FDS"] == "1" and os.environ["LISTEN_FDNAMES"] == "one", os.environ
c, _ = socket.socket(fileno=3).accept()
c.sendall(b"pid %d" % os.getpid())
`

// call connects and reads to the end.
func call(address string) (string, error) {
	network, where, _ := strings.Cut(address, ":")
	c, err := net.DialTimeout(network, where, patience)
	if err != nil {
		return "", err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	b, err := io.ReadAll(c)
	if err == nil && len(b) == 0 {
		err = errors.New("the connection was accepted, and closed without an answer")
	}
	return string(b), err
}

// burst makes many calls concurrently. Each must be answered.
func burst(t *testing.T, address string, n int) (answers map[string]int) {
	t.Helper()
	answers = make(map[string]int)
	var mu sync.Mutex
	var calls sync.WaitGroup
	for range n {
		calls.Go(func() {
			answer, err := call(address)
			mu.Lock()
			defer mu.Unlock()
			answers[answer]++
			if err != nil {
				t.Errorf("a call on %s: %v", address, err)
			}
		})
	}
	calls.Wait()
	return answers
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "tcp:" + l.Addr().String()
}

// awaitListening reads the kernel's tables, because connecting would be a call.
func (w *world) awaitListening(address string) {
	w.t.Helper()
	network, where, _ := strings.Cut(address, ":")
	table, line := "/proc/net/unix", regexp.MustCompile(` 00010000 .* `+regexp.QuoteMeta(where)+`\n`) // __SO_ACCEPTCON
	if network == "tcp" {
		to, err := netip.ParseAddrPort(where)
		if err != nil {
			w.t.Fatal(err)
		}
		table, line = "/proc/net/tcp", regexp.MustCompile(fmt.Sprintf(`: 0100007F:%04X 00000000:0000 0A `, to.Port())) // TCP_LISTEN
	}
	eventually(w.t, "a process listens on "+address, func() bool {
		b, err := os.ReadFile(table)
		if err != nil {
			w.t.Fatal(err)
		}
		return line.Match(b)
	})
}

// Connections come one after another while runs begin and end. None is lost.
func TestConnectionsOnASocket(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"unix:", "tcp:"} {
		t.Run(address[:4], func(t *testing.T) {
			t.Parallel()
			w := startWorld(t, "")
			if address == "unix:" {
				address += w.path("s")
			} else {
				address = freeAddress(t)
			}
			p := w.install("Web", many)
			id := w.register(p.Family, task.Spec{Name: "web", EntryPoint: manyClass, Trigger: task.SocketActivityTrigger{Listen: address}})
			e := w.watch()
			w.awaitListening(address)
			for range 5 {
				burst(t, address, 20)
				time.Sleep(50 * time.Millisecond) // a run may end right now
			}
			info := w.info(id)
			if n := info.Counts.ByOutcome[task.Completed]; n != info.Counts.Runs || n == 0 {
				t.Errorf("%d of %d runs completed", n, info.Counts.Runs)
			}

			app := w.open(p) // an application that already runs gets the next one
			eventually(t, "the server has left", func() bool { return w.info(id).State.Run == nil && len(w.apps()) == 1 })
			if answers := burst(t, address, 3); !strings.HasPrefix(oneOf(answers), fmt.Sprintf("pid %d ", app.pid)) {
				t.Errorf("the open app is pid %d; answered was %v", app.pid, answers)
			}

			i := e.mark()
			if err := w.user.Unregister(w.context(), id, true); err != nil {
				t.Fatal(err)
			}
			e.awaitFrom(i, "it is unregistered", func(ev task.Event) bool { return ev.Kind == task.EventUnregistered })
			eventually(t, "the socket is closed", func() bool { _, err := call(address); return err != nil })
			w.checkOverlap()
		})
	}
}

func oneOf(all map[string]int) string {
	for one := range all {
		return one
	}
	return ""
}

// python returns the path of a Python for commands that serve a socket.
func python(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat(debianPython); err != nil {
		needs.Missing(t, "python3", needs.Package("python3"))
	}
	return debianPython
}

// A command that serves one connection per run leaves the others to the next run.
func TestACommandOnASocket(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	address := freeAddress(t)
	w.do("add", "one", "--on", "socket:"+address, "--", python(t), "-c", answerOne)
	w.awaitListening(address)
	if answers := burst(t, address, 8); len(answers) != 8 {
		t.Errorf("8 connections, %d processes: %v", len(answers), answers)
	}
	if _, stderr, code := w.bgtask("add", "two", "--on", "socket:"+address, "--", "true"); code == 0 || !strings.Contains(stderr, "is used by") {
		t.Errorf("a second task on %s: exit %d: %s", address, code, stderr)
	}
}

// A change of the registration leaves its socket open.
func TestASocketOutlivesAnUpdate(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	address := freeAddress(t)
	add := func(more ...string) {
		w.do(append(append([]string{"add", "one", "--replace", "--on", "socket:" + address}, more...), "--", python(t), "-c", answerOne)...)
	}
	add("--when", "no-internet,on-ac")
	w.do("facts", "override", "internet=yes")
	w.awaitListening(address)
	answered := make(chan error, 1)
	go func() {
		_, err := call(address)
		answered <- err
	}()
	eventually(t, "the connection is held", func() bool { return w.info(w.find("one")).State.Phase == task.Held })
	for range 5 {
		add("--when", "no-internet")
		add("--when", "no-internet,on-ac")
	}
	add()
	if err := <-answered; err != nil {
		t.Error(err)
	}
}

// After kill -9 without systemd the next broker opens a new socket. A run that has the
// old one continues to serve it.
func TestASocketAfterACrash(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	free, served := freeAddress(t), freeAddress(t)
	w.do("add", "one", "--on", "socket:"+free, "--", python(t), "-c", answerOne)
	w.gate("gate")
	w.do("add", "long", "--on", "socket:"+served, "--", python(t), "-c", `
import socket
s = socket.socket(fileno=3)
s.accept()[0].sendall(b"first")
s.accept()[0].sendall(b"second")
open("gate").read()
`)
	w.awaitListening(free)
	w.awaitListening(served)
	if answer, err := call(served); answer != "first" {
		t.Fatalf("%q, %v", answer, err)
	}
	w.crash()
	if _, err := call(free); err == nil {
		t.Error("a dead broker's socket is open")
	}
	if answer, err := call(served); answer != "second" {
		t.Errorf("the run that has the listener: %q, %v", answer, err)
	}
	w.start()
	w.awaitListening(free)
	if _, err := call(free); err != nil {
		t.Error(err)
	}
	w.opens("gate") // when the run ends, the broker listens on its socket again
	eventually(t, "the broker listens on the socket again", func() bool { answer, _ := call(served); return answer == "first" })
}

// A supervisor that keeps the sockets open, as systemd does, also keeps the waiting
// connections when the broker is killed.
func TestASocketThatASupervisorHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	if err := os.Mkdir(w.path("run/bgtask"), 0o700); err != nil {
		t.Fatal(err)
	}
	var files []*os.File
	for _, path := range []string{w.socket(), w.path("web")} {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		file, err := l.File()
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		files = append(files, file)
	}
	supervise := func() {
		cmd := w.command("/bin/sh", "-c", `export LISTEN_PID=$$; exec "$0" daemon --verbose`, w.binary)
		cmd.Env = append(cmd.Env, "LISTEN_FDS=2", "LISTEN_FDNAMES=bgtask.socket:web.socket")
		cmd.ExtraFiles = files
		w.mu.Lock()
		defer w.mu.Unlock()
		w.broker = begin(t, cmd)
	}
	supervise()
	w.do("add", "one", "--on", "socket:unix:web", "--", python(t), "-c", answerOne)
	if _, err := call("unix:" + w.path("web")); err != nil {
		t.Fatal(err)
	}
	w.crash()
	answered := make(chan error, 3)
	for range cap(answered) {
		go func() {
			_, err := call("unix:" + w.path("web"))
			answered <- err
		}()
	}
	supervise()
	for range cap(answered) {
		if err := <-answered; err != nil {
			t.Error(err)
		}
	}
	w.do("daemon", "stop")
}

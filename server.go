package bgtask

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/bgtask/bgtask/internal/describe"
	"github.com/bgtask/bgtask/internal/platform"
	"github.com/bgtask/bgtask/task"
)

// Class is a task class that the process serves. The broker activates it by its CLSID.
type Class struct {
	CLSID     GUID // the EntryPoint of the tasks that it runs
	Task      Task
	SingleUse bool // it serves one activation only; otherwise any number, also concurrently
}

// Server serves task classes. A Client can serve with one Server at a time. Resume and
// Suspend are safe for concurrent use; the fields must not change during Serve.
type Server struct {
	Classes   []Class
	Suspended bool          // publish the classes, but let none be activated before Resume
	Linger    time.Duration // how long a launched process stays without a run; 0: 10 s; not negative
	Client    *Client       // nil: DefaultClient

	mu      sync.Mutex
	resumed *bool // the last call of Resume (false) or Suspend (true)
	serving *serving
}

// Serve publishes all classes in one step and runs their tasks until ctx ends. It then
// cancels live runs with ReasonTerminating, and returns nil when they have returned
// and their outcomes are recorded.
//
// In a process that the broker launched, Serve also returns nil after Linger without a
// run, if the broker agrees. In a process that "bgtask manifest" started to learn its
// classes, it returns nil immediately. It fails with ErrConflict if the Client is
// already serving.
func (s *Server) Serve(ctx context.Context) error {
	if err := s.check(); err != nil {
		return err
	}
	if r := describing(); r != nil {
		return r.Serve(classIDs(s.Classes))
	}
	c := s.Client
	if c == nil {
		c = DefaultClient
	}
	broker, err := c.connect()
	if err != nil {
		return err
	}
	if !c.begin() {
		return &Error{Op: "serve", Err: ErrConflict, Detail: "this process is already serving", Hint: "put all classes into one Server"}
	}
	defer c.end()
	sv := newServing(c, broker, s.Classes, s.linger())
	s.mu.Lock()
	s.serving = sv
	sv.suspend(s.suspended())
	s.mu.Unlock()
	return sv.run(ctx)
}

// Resume allows the classes to be activated.
func (s *Server) Resume() { s.setSuspended(false) }

// Suspend keeps the classes from being activated. Live runs continue.
func (s *Server) Suspend() { s.setSuspended(true) }

func (s *Server) setSuspended(suspended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resumed = &suspended
	if s.serving != nil {
		s.serving.suspend(suspended)
	}
}

func (s *Server) suspended() bool {
	if s.resumed != nil {
		return *s.resumed
	}
	return s.Suspended
}

func (s *Server) linger() time.Duration {
	if s.Linger == 0 {
		return task.LingerTime
	}
	return s.Linger
}

// check returns all faults of the fields, joined.
func (s *Server) check() error {
	var faults []error
	fault := func(sentinel error, detail, hint string) {
		faults = append(faults, &Error{Op: "serve", Err: sentinel, Detail: detail, Hint: hint})
	}
	if len(s.Classes) == 0 {
		fault(ErrInvalid, "there is no class to serve", "set at least one Class")
	}
	if n := len(s.Classes); n > task.MaxClasses {
		fault(ErrLimit, fmt.Sprintf("%d classes; a process may serve %d", n, task.MaxClasses), "several tasks may share one class")
	}
	if s.Linger < 0 {
		fault(ErrInvalid, fmt.Sprintf("Linger is negative: %v", s.Linger), "0 is the default, 10 s")
	}
	seen := make(map[GUID]bool)
	for _, c := range s.Classes {
		switch {
		case c.CLSID.IsZero():
			fault(ErrInvalid, "a class has no CLSID", "it is the EntryPoint of the tasks that it runs")
		case c.Task == nil:
			fault(ErrInvalid, fmt.Sprintf("class %v has no Task", c.CLSID), "set Class.Task")
		case seen[c.CLSID]:
			fault(ErrInvalid, fmt.Sprintf("class %v is given twice", c.CLSID), "one Class serves any number of activations")
		}
		seen[c.CLSID] = true
	}
	return errors.Join(faults...)
}

func (c *Client) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.serving
	c.serving = true
	return !was
}

func (c *Client) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serving = false
}

// Serve serves the classes with a Server that has default settings.
func Serve(ctx context.Context, classes ...Class) error {
	return (&Server{Classes: classes}).Serve(ctx)
}

// Main serves the classes until the process receives SIGINT or SIGTERM, or, if the
// broker launched it, has had no run for 10 s. It prints an error with its hint to
// standard error, and returns the exit code for os.Exit. A second signal ends the
// process immediately.
func Main(classes ...Class) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	err := Serve(ctx, classes...)
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "bgtask:", err)
	if hint := Hint(err); hint != "" {
		fmt.Fprintln(os.Stderr, "  hint:", hint)
	}
	return 1
}

// Launched reports whether the broker started this process to serve its classes. On
// Windows, COM marks such a process with the argument -Embedding, which the package
// removes from os.Args before main.
func Launched() bool { return !platform.LaunchToken().IsZero() }

// describing returns the recorder of a process that a tool started to learn what it
// registers and serves ("bgtask manifest new PROGRAM"), and nil in any other.
var describing = sync.OnceValue(describe.FromEnvironment)

func classIDs(classes []Class) (ids []GUID) {
	for _, c := range classes {
		ids = append(ids, c.CLSID)
	}
	return ids
}

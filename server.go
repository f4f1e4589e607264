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

// Class is a task class that the process serves: the broker activates it by its
// CLSID.
type Class struct {
	CLSID     GUID
	Task      Task
	SingleUse bool // it serves one activation, then it is gone; otherwise any number, at once too
}

// Server serves task classes. A process serves with one at a time.
type Server struct {
	Classes   []Class
	Suspended bool          // publish the classes, and have none activated before Resume
	Linger    time.Duration // how long a launched process stays without a run; 0: 10 s
	Client    *Client       // nil: DefaultClient

	mu      sync.Mutex
	resumed *bool // what Resume or Suspend said last
	serving *serving
}

// Serve publishes all classes in one step and runs their tasks until ctx ends:
// then live runs are canceled with Terminating, and it returns nil when they have
// returned and their outcomes are recorded. In a process that the broker launched
// it also returns nil after Linger without a run, when the broker agrees; and at
// once in one that "bgtask manifest" started to learn which classes there are.
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
		return &Error{Op: "serve", Err: ErrConflict, Detail: "this process serves already", Hint: "put all classes into one Server"}
	}
	defer c.end()
	sv := newServing(c, broker, s.Classes, s.linger())
	s.mu.Lock()
	s.serving = sv
	sv.suspend(s.suspended())
	s.mu.Unlock()
	return sv.run(ctx)
}

// Resume lets the classes be activated.
func (s *Server) Resume() { s.setSuspended(false) }

// Suspend keeps the classes from being activated. Live runs go on.
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

// check returns all faults joined.
func (s *Server) check() error {
	var faults []error
	fault := func(sentinel error, detail, hint string) {
		faults = append(faults, &Error{Op: "serve", Err: sentinel, Detail: detail, Hint: hint})
	}
	if len(s.Classes) == 0 {
		fault(ErrInvalid, "there is no class to serve", "give at least one Class")
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
			fault(ErrInvalid, fmt.Sprintf("class %v has no Task", c.CLSID), "give it one")
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

// Serve serves the classes with a Server of defaults.
func Serve(ctx context.Context, classes ...Class) error {
	return (&Server{Classes: classes}).Serve(ctx)
}

// Main serves the classes until the process is told to end by SIGINT or SIGTERM,
// or, if it was launched, has nothing to do. It prints an error with its hint and
// returns the process' exit code, for os.Exit. A second signal ends the process at
// once.
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

// Launched says that the broker started this process, to serve its classes. On
// Windows that is the flag -Embedding, which COM appends to the arguments of the
// manifest: it is taken out of os.Args before main.
func Launched() bool { return !platform.LaunchToken().IsZero() }

// describing is the recorder of a process that a tool has started to learn what it
// registers and serves ("bgtask manifest new PROGRAM"); nil in any other.
var describing = sync.OnceValue(describe.FromEnvironment)

func classIDs(classes []Class) (ids []GUID) {
	for _, c := range classes {
		ids = append(ids, c.CLSID)
	}
	return ids
}

//go:build linux

package process

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/task"
)

// StateEnv is the environment variable that names the state directory of the
// broker that launched a process.
const StateEnv = "BGTASK_STATE"

// Options say what a Supervisor works with. The fields from Boot on have defaults.
type Options struct {
	StateID   string       // names the state directory, for ever; every launch carries it
	OutputDir string       // for the output of launches; made when it is missing
	Logger    *slog.Logger // nil: none

	Boot            string        // the boot id; "": the machine's
	KillDelay       time.Duration // SIGTERM to SIGKILL, for what a leader left; task.KillDelay
	KillGrace       time.Duration // SIGKILL to giving up; task.KillGrace
	OutputPerLaunch int64         // bytes kept; 1 MiB
	OutputAll       int64         // bytes kept of all launches; 100 MiB
}

// Callbacks is told what becomes of a launch: Exited once, at once, when the leader
// has ended, then Ended once, when the whole tree has. Both are called on a
// goroutine of the launch and hold up nothing but it and Run's return. Exited may
// come before the Start that it belongs to has returned. Neither is called once
// Run has returned.
type Callbacks struct {
	Exited func(Exit)
	Ended  func(Ended)
}

// Supervisor starts and watches processes. Its methods may be called at any time, from
// any goroutine.
type Supervisor struct {
	stateID   string
	boot      string
	killDelay time.Duration
	killGrace time.Duration
	log       *slog.Logger
	output    *output

	ctx  context.Context // ends when the supervisor closes
	stop context.CancelFunc

	mu        sync.Mutex
	closed    bool
	following sync.WaitGroup // of the watching goroutines; none is added once closed
	launches  map[task.LaunchToken]*launch
}

// launch is one process tree that the supervisor watches.
type launch struct {
	callbacks Callbacks
	stderr    int64 // where standard error begins in its file
	leader    *handle
	child     bool // the leader is a child of ours

	mu      sync.Mutex
	tree    tree
	started bool             // before, signals wait
	waiting []syscall.Signal // until the leader is there
}

// New makes a Supervisor and makes this program the one that orphans of its launches
// come to. Run has to be called too.
func New(o Options) (*Supervisor, error) {
	if o.StateID == "" || o.OutputDir == "" {
		return nil, fmt.Errorf("%w: a process supervisor needs the id of its state directory and a directory for output", task.ErrInvalid)
	}
	if err := supported(); err != nil {
		return nil, err
	}
	h := &Supervisor{
		stateID:   o.StateID,
		boot:      o.Boot,
		killDelay: orDefault(o.KillDelay, task.KillDelay),
		killGrace: orDefault(o.KillGrace, task.KillGrace),
		log:       o.Logger,
		launches:  map[task.LaunchToken]*launch{},
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.boot == "" {
		boot, err := readBootID()
		if err != nil {
			return nil, fmt.Errorf("boot id: %w", err)
		}
		h.boot = boot
	}
	if err := os.MkdirAll(o.OutputDir, 0o700); err != nil {
		return nil, fmt.Errorf("output of launches: %w", err)
	}
	dir, err := filepath.Abs(o.OutputDir)
	if err != nil {
		return nil, fmt.Errorf("output of launches: %w", err)
	}
	h.output = newOutput(dir, orDefault(o.OutputPerLaunch, outputPerLaunch), orDefault(o.OutputAll, outputAll), h.log)
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("becoming the reaper of orphans: %w", err)
	}
	h.ctx, h.stop = context.WithCancel(context.Background())
	return h, nil
}

// supported looks for the newest system call that there must be: to wait on a
// pidfd, Linux 5.4. It asks about a process that is no child, so ECHILD is yes.
func supported() error {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err == nil {
		defer unix.Close(fd)
		if _, err = waitChild(unix.P_PIDFD, fd, 0); err == unix.ECHILD {
			return nil
		}
	}
	return &task.Error{
		Op: "start", Subject: "the broker", Err: task.ErrNotSupported,
		Detail: fmt.Sprintf("the kernel gives no process descriptors (pidfd: %v)", err),
		Hint:   "bgtask needs Linux 5.4 or newer, and a sandbox that allows pidfd_open and waitid",
	}
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// Run reaps orphans and keeps the output of launches within its bounds. When ctx
// ends it stops watching, and leaves every process running.
func (s *Supervisor) Run(ctx context.Context) error {
	defer s.close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var work sync.WaitGroup
	work.Go(func() { children.run(ctx) })
	work.Go(func() { s.output.run(ctx) })
	work.Wait()
	return nil
}

func (s *Supervisor) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.following.Wait()
}

// BootID names this boot of the machine.
func (s *Supervisor) BootID() string { return s.boot }

// Launches are the tokens of what the supervisor starts or watches, sorted.
func (s *Supervisor) Launches() []task.LaunchToken {
	s.mu.Lock()
	defer s.mu.Unlock()
	tokens := make([]task.LaunchToken, 0, len(s.launches))
	for t := range s.launches {
		tokens = append(tokens, t)
	}
	slices.SortFunc(tokens, compareTokens)
	return tokens
}

func compareTokens(a, b task.LaunchToken) int { return slices.Compare(a[:], b[:]) }

// reserve enters a launch that has no process yet.
func (s *Supervisor) reserve(token task.LaunchToken, c Callbacks) (*launch, error) {
	if token.IsZero() {
		return nil, fmt.Errorf("%w: a launch needs a token", task.ErrInvalid)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if s.launches[token] != nil {
		return nil, fmt.Errorf("%w: launch %s is there already", task.ErrConflict, token)
	}
	l := &launch{callbacks: c, tree: tree{token: token, state: s.stateID}}
	s.launches[token] = l
	return l, nil
}

func (s *Supervisor) forget(token task.LaunchToken) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.launches, token)
}

func (s *Supervisor) launch(token task.LaunchToken) *launch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.launches[token]
}

// begin gives a launch its leader and starts to watch it. It takes the handle
// over, also when it fails.
func (s *Supervisor) begin(l *launch, leader task.Process, handle *handle) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		handle.close()
		return ErrClosed
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leader, l.tree.leader, l.started = handle, leader, true
	s.following.Go(func() { s.follow(l) })
	return nil
}

// Signal sends sig to the whole tree of a launch. When nothing of it is left that
// is ErrGone. To a launch that is just being started it is sent as soon as there
// is a process. A token that the supervisor does not watch reaches what carries it. It
// reads the process table, which takes milliseconds; Start and Find do too.
func (s *Supervisor) Signal(token task.LaunchToken, sig syscall.Signal) error {
	l := s.launch(token)
	if l == nil {
		l = s.unwatched(token)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.started {
		l.waiting = append(l.waiting, sig)
		return nil
	}
	sent, err := l.tree.signal(sig)
	if err == nil && sent == 0 {
		return ErrGone
	}
	return err
}

// unwatched stands for a launch that the supervisor does not watch.
func (s *Supervisor) unwatched(token task.LaunchToken) *launch {
	return &launch{started: true, tree: tree{token: token, state: s.stateID, files: s.output.files(token)}}
}

// SignalProcess sends sig to one process and no other.
func (s *Supervisor) SignalProcess(p task.Process, sig syscall.Signal) error {
	if p.Boot != s.boot {
		return ErrGone
	}
	return send(p.PID, p.Start, sig)
}

// Watch calls exited when a process has ended that was not launched: an
// application that its user started. stop ends the watch; after it has returned,
// exited is not called. It must not be called from exited.
func (s *Supervisor) OnExit(p task.Process, exited func(Exit)) (stop func(), err error) {
	if p.Boot != s.boot {
		return nil, ErrGone
	}
	handle, err := openHandle(p.PID, p.Start)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		handle.close()
		return nil, ErrClosed
	}
	ctx, cancel := context.WithCancel(s.ctx)
	over := make(chan struct{})
	s.following.Go(func() {
		defer close(over)
		defer cancel()
		defer handle.close()
		if handle.wait(ctx) != nil {
			return
		}
		exit := handle.exit()
		if ctx.Err() == nil {
			exited(exit)
		}
	})
	return func() { cancel(); <-over }, nil
}

//go:build linux

package process

import (
	"context"
	"errors"
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
	StateID   string       // the permanent id of the state directory; every launch carries it
	OutputDir string       // for the output of launches; made if missing
	Logger    *slog.Logger // nil: none

	Boot            string        // the boot id; "" means the machine's
	KillDelay       time.Duration // from SIGTERM to SIGKILL, for what a leader left; default task.KillDelay
	KillGrace       time.Duration // from SIGKILL to giving up; default task.KillGrace
	OutputPerLaunch int64         // in bytes; default 1 MiB
	OutputAll       int64         // of all launches, in bytes; default 100 MiB
}

// Callbacks report what becomes of a launch. Exited is called once, as soon as the leader has
// ended, and then Ended, when the whole tree has. Both are called on a goroutine of the
// launch and delay only that goroutine and Run's return. Exited may be called before the
// Start that it belongs to has returned. Neither is called after Run has returned.
type Callbacks struct {
	Exited func(Exit)
	Ended  func(Ended)
}

// Supervisor starts and follows processes. Its methods may be called at any time, from any
// goroutine.
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
	following sync.WaitGroup // of the goroutines that follow processes; none is added once closed
	launches  map[task.LaunchToken]*launch
}

// launch is one process tree that the supervisor follows.
type launch struct {
	callbacks Callbacks
	stderr    int64 // offset at which standard error begins in its file
	leader    *handle
	child     bool // the leader is a child of this program

	mu      sync.Mutex
	tree    tree
	started bool             // before that, signals wait
	waiting []syscall.Signal // until the leader is there
}

// New returns a Supervisor and makes this program the subreaper of its launches: orphans of
// their trees become its children. Run has to be called too.
func New(o Options) (*Supervisor, error) {
	if o.StateID == "" || o.OutputDir == "" {
		return nil, fmt.Errorf("%w: a process supervisor needs the id of its state directory and a directory for output", task.ErrInvalid)
	}
	if err := supported(); err != nil {
		return nil, err
	}
	s := &Supervisor{
		stateID:   o.StateID,
		boot:      o.Boot,
		killDelay: orDefault(o.KillDelay, task.KillDelay),
		killGrace: orDefault(o.KillGrace, task.KillGrace),
		log:       o.Logger,
		launches:  map[task.LaunchToken]*launch{},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.boot == "" {
		boot, err := readBootID()
		if err != nil {
			return nil, fmt.Errorf("boot id: %w", err)
		}
		s.boot = boot
	}
	if err := os.MkdirAll(o.OutputDir, 0o700); err != nil {
		return nil, fmt.Errorf("output of launches: %w", err)
	}
	dir, err := filepath.Abs(o.OutputDir)
	if err != nil {
		return nil, fmt.Errorf("output of launches: %w", err)
	}
	s.output = newOutput(dir, orDefault(o.OutputPerLaunch, outputPerLaunch), orDefault(o.OutputAll, outputAll), s.log)
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("become the reaper of orphans: %w", err)
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s, nil
}

// supported checks for the newest system call that is needed: waiting on a pidfd, which Linux
// has since 5.4. It waits for a process that is not a child, so ECHILD means yes.
func supported() error {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err == nil {
		defer unix.Close(fd)
		if _, err = waitChild(unix.P_PIDFD, fd, 0); errors.Is(err, unix.ECHILD) {
			return nil
		}
	}
	return &task.Error{
		Op: "start", Subject: "the broker", Err: task.ErrNotSupported,
		Detail: fmt.Sprintf("the kernel does not support process descriptors (pidfd: %v)", err),
		Hint:   "bgtask needs Linux 5.4 or later; a sandbox has to allow pidfd_open and waitid",
	}
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// Run reaps orphans and keeps the output of launches within its bounds. When ctx ends, it
// stops following processes, and leaves every process running.
func (s *Supervisor) Run(ctx context.Context) {
	defer s.close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var work sync.WaitGroup
	work.Go(func() { children.run(ctx) })
	work.Go(func() { s.output.run(ctx) })
	work.Wait()
}

func (s *Supervisor) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.following.Wait()
}

// BootID returns the id of this boot of the machine.
func (s *Supervisor) BootID() string { return s.boot }

// Launches returns the tokens of the launches that the supervisor starts or follows, sorted.
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

// reserve adds a launch that has no process yet.
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
		return nil, fmt.Errorf("%w: launch %s already exists", task.ErrConflict, token)
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

// begin gives a launch its leader and starts to follow it. It takes over the handle, even
// when it fails.
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

// Signal sends sig to the whole tree of a launch. It returns ErrGone when nothing of the tree
// is left. To a launch that is being started, the signal is sent as soon as there is a
// process. If the supervisor does not follow a launch with this token, the signal goes to
// every process that carries the token. Signal reads the process table, which takes
// milliseconds; so do Start and Find.
func (s *Supervisor) Signal(token task.LaunchToken, sig syscall.Signal) error {
	l := s.launch(token)
	if l == nil {
		l = s.unfollowed(token)
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

// unfollowed stands for a launch that the supervisor does not follow.
func (s *Supervisor) unfollowed(token task.LaunchToken) *launch {
	return &launch{started: true, tree: tree{token: token, state: s.stateID, files: s.output.files(token)}}
}

// SignalProcess sends sig to one process only. It returns ErrGone when the process has ended.
func (s *Supervisor) SignalProcess(p task.Process, sig syscall.Signal) error {
	if p.Boot != s.boot {
		return ErrGone
	}
	return send(p.PID, p.Start, sig)
}

// OnExit calls exited when a process has ended that was not launched, such as an application
// that its user started. Stop ends that; after it has returned, exited is not called. Stop
// must not be called from exited. OnExit returns ErrGone when the process has already ended.
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

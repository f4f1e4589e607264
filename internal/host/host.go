//go:build linux

package host

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

// Options say what a Host works with. The fields from Boot on have defaults.
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

// Watcher is told what becomes of a launch: Exited once, at once, when the leader
// has ended, then Ended once, when the whole tree has. Both are called on a
// goroutine of the launch and hold up nothing but it and Run's return. Exited may
// come before the Start that it belongs to has returned. Neither is called once
// Run has returned.
type Watcher struct {
	Exited func(Exit)
	Ended  func(Ended)
}

// Host starts and watches processes. Its methods may be called at any time, from
// any goroutine.
type Host struct {
	stateID   string
	boot      string
	killDelay time.Duration
	killGrace time.Duration
	log       *slog.Logger
	output    *output

	ctx  context.Context // ends when the host closes
	stop context.CancelFunc

	mu        sync.Mutex
	closed    bool
	following sync.WaitGroup // of the watching goroutines; none is added once closed
	launches  map[task.LaunchToken]*launch
}

// launch is one process tree that the host watches.
type launch struct {
	watcher Watcher
	stderr  int64 // where standard error begins in its file
	leader  *handle
	child   bool // the leader is a child of ours

	mu      sync.Mutex
	tree    tree
	started bool             // before, signals wait
	waiting []syscall.Signal // until the leader is there
}

// New makes a Host and makes this program the one that orphans of its launches
// come to. Run has to be called too.
func New(o Options) (*Host, error) {
	if o.StateID == "" || o.OutputDir == "" {
		return nil, fmt.Errorf("%w: a host needs the id of its state directory and a directory for output", task.ErrInvalid)
	}
	if err := supported(); err != nil {
		return nil, err
	}
	h := &Host{
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
func (h *Host) Run(ctx context.Context) error {
	defer h.close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var work sync.WaitGroup
	work.Go(func() { children.run(ctx) })
	work.Go(func() { h.output.run(ctx) })
	work.Wait()
	return nil
}

func (h *Host) close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.stop()
	h.following.Wait()
}

// BootID names this boot of the machine.
func (h *Host) BootID() string { return h.boot }

// Launches are the tokens of what the host starts or watches, sorted.
func (h *Host) Launches() []task.LaunchToken {
	h.mu.Lock()
	defer h.mu.Unlock()
	tokens := make([]task.LaunchToken, 0, len(h.launches))
	for t := range h.launches {
		tokens = append(tokens, t)
	}
	slices.SortFunc(tokens, compareTokens)
	return tokens
}

func compareTokens(a, b task.LaunchToken) int { return slices.Compare(a[:], b[:]) }

// reserve enters a launch that has no process yet.
func (h *Host) reserve(token task.LaunchToken, w Watcher) (*launch, error) {
	if token.IsZero() {
		return nil, fmt.Errorf("%w: a launch needs a token", task.ErrInvalid)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	if h.launches[token] != nil {
		return nil, fmt.Errorf("%w: launch %s is there already", task.ErrConflict, token)
	}
	l := &launch{watcher: w, tree: tree{token: token}}
	h.launches[token] = l
	return l, nil
}

func (h *Host) forget(token task.LaunchToken) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.launches, token)
}

func (h *Host) launch(token task.LaunchToken) *launch {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.launches[token]
}

// begin gives a launch its leader and starts to watch it. It takes the handle
// over, also when it fails.
func (h *Host) begin(l *launch, leader task.Process, handle *handle) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		handle.close()
		return ErrClosed
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leader, l.tree.leader, l.started = handle, leader, true
	h.following.Go(func() { h.follow(l) })
	return nil
}

// Signal sends sig to the whole tree of a launch. When nothing of it is left that
// is ErrGone. To a launch that is just being started it is sent as soon as there
// is a process. A token that the host does not watch reaches what carries it. It
// reads the process table, which takes milliseconds; Start and Find do too.
func (h *Host) Signal(token task.LaunchToken, sig syscall.Signal) error {
	l := h.launch(token)
	if l == nil {
		l = h.unwatched(token)
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

// unwatched stands for a launch that the host does not watch.
func (h *Host) unwatched(token task.LaunchToken) *launch {
	return &launch{started: true, tree: tree{token: token, files: h.output.files(token)}}
}

// SignalProcess sends sig to one process and no other.
func (h *Host) SignalProcess(p task.Process, sig syscall.Signal) error {
	if p.Boot != h.boot {
		return ErrGone
	}
	return send(p.PID, p.Start, sig)
}

// Watch calls exited when a process has ended that was not launched: an
// application that its user started. stop ends the watch; after it has returned,
// exited is not called. It must not be called from exited.
func (h *Host) Watch(p task.Process, exited func(Exit)) (stop func(), err error) {
	if p.Boot != h.boot {
		return nil, ErrGone
	}
	handle, err := openHandle(p.PID, p.Start)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		handle.close()
		return nil, ErrClosed
	}
	ctx, cancel := context.WithCancel(h.ctx)
	over := make(chan struct{})
	h.following.Go(func() {
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

//go:build linux

package packages

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bgtask/bgtask/internal/process"
	"github.com/bgtask/bgtask/task"
)

// lookAgain is when a folder is looked at again if its processes could not be seen.
const lookAgain = time.Minute

// sweeper removes the folders of versions that belong to no package: earlier versions
// and removed packages when their last process has ended, and what an unfinished
// installation left.
type sweeper struct {
	versions   string
	turns      turns
	life       context.Context
	list       func(context.Context) ([]task.Package, error)
	supervisor Supervisor
	log        *slog.Logger
	hints      hints

	mu       sync.Mutex
	followed map[task.Process]bool // the end of each is a hint
}

func newSweeper(c Config, versions string, t turns) *sweeper {
	s := &sweeper{
		versions: versions, turns: t, life: c.Loop.Life(), list: c.Loop.Packages, supervisor: c.Supervisor, log: c.Log,
		hints: newHints(), followed: make(map[task.Process]bool),
	}
	s.hint() // a broker begins by sweeping
	return s
}

func (s *sweeper) hint() { s.hints.give() }

// hints holds at most one hint that there may be something to do.
type hints chan struct{}

func newHints() hints { return make(hints, 1) }

func (h hints) give() {
	select {
	case h <- struct{}{}:
	default:
	}
}

// run sweeps at each hint until the loop has ended.
func (s *sweeper) run() {
	for {
		select {
		case <-s.hints:
			if err := s.sweep(); err != nil && s.life.Err() == nil {
				s.log.Error("cannot remove the folders of earlier versions", "err", err)
			}
		case <-s.life.Done():
			return
		}
	}
}

// sweep removes the folders that are not in use and follows the processes that use the
// others.
func (s *sweeper) sweep() error {
	free, err := s.turns.take(s.life, s.life)
	if err != nil {
		return err
	}
	defer free()
	entries, err := os.ReadDir(s.versions)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	packages, err := s.list(s.life)
	if err != nil {
		return err
	}
	needed := neededFolders(packages)
	var faults []error
	for _, e := range entries {
		folder := filepath.Join(s.versions, e.Name())
		if needed[e.Name()] || s.inUse(folder) {
			continue
		}
		if err := removeTree(folder); err != nil {
			faults = append(faults, err)
			continue
		}
		s.log.Info("removed a folder that no package needs", "folder", folder)
	}
	return errors.Join(faults...)
}

// neededFolders returns the names of the version folders that packages have. It compares
// names and not paths: the state directory may have moved since they were installed.
func neededFolders(packages []task.Package) map[string]bool {
	names := make(map[string]bool)
	for _, p := range packages {
		names[filepath.Base(p.Folder)] = true
	}
	return names
}

// inUse reports whether a process lives in the folder, or may live there. The end of
// that process is a hint.
func (s *sweeper) inUse(folder string) bool {
	pids, err := processesIn(folder)
	used := err != nil
	for _, pid := range pids {
		proc, unseen := s.supervisor.Identify(pid)
		if errors.Is(unseen, process.ErrGone) {
			continue
		}
		used = true
		if err = errors.Join(err, unseen); unseen == nil {
			err = errors.Join(err, s.follow(proc))
		}
	}
	if err != nil && s.life.Err() == nil { // a limit of the system's
		s.log.Warn("cannot see which processes use the folder of an earlier version", "folder", folder, "err", err)
		time.AfterFunc(lookAgain, s.hint)
	}
	return used
}

func (s *sweeper) follow(p task.Process) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.followed[p] {
		return nil
	}
	s.followed[p] = true
	over := func(process.Exit) {
		s.mu.Lock()
		delete(s.followed, p)
		s.mu.Unlock()
		s.hint()
	}
	_, err := s.supervisor.OnExit(p, over)
	if err != nil {
		delete(s.followed, p)
	}
	if errors.Is(err, process.ErrGone) {
		s.hint()
		return nil
	}
	return err
}

// processesIn returns the user's processes whose program or working directory is in the
// folder, or that were started with a path in it, as scripts are.
func processesIn(folder string) (pids []int, err error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && livesIn(pid, folder+"/") {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

func livesIn(pid int, prefix string) bool {
	proc := "/proc/" + strconv.Itoa(pid)
	for _, link := range []string{"exe", "cwd"} {
		if path, err := os.Readlink(proc + "/" + link); err == nil && strings.HasPrefix(path+"/", prefix) {
			return true
		}
	}
	line, err := os.ReadFile(proc + "/cmdline")
	return err == nil && len(line) > 0 && strings.Contains("\x00"+string(line), "\x00"+prefix)
}

//go:build linux

package broker

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bgtask/bgtask/internal/process"
	"github.com/bgtask/bgtask/task"
)

// versionsDir is in the state directory, which has one broker: two would sweep each
// other's. It is the real path, by which the kernel knows programs.
func versionsDir(state string) string {
	if real, err := filepath.EvalSymlinks(filepath.Join(state, "installed")); err == nil {
		return real // on another disk, perhaps
	}
	if real, err := filepath.EvalSymlinks(state); err == nil {
		state = real
	}
	return filepath.Join(state, "installed")
}

// versionOf is the folder of the installed version in which a program lies, or "".
func (b *broker) versionOf(exe string) string {
	rel, ok := strings.CutPrefix(exe, b.versions+"/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rel, "/")
	return filepath.Join(b.versions, name)
}

// sweepAgain is when a folder is looked at again whose processes could not be.
const sweepAgain = time.Minute

// again separates a full name from a number, when a folder of that name is still
// in use.
const again = "~"

// familyOf is the family in a folder's name, which is a full name; "" in any other.
func familyOf(folder string) string {
	name, _, _ := strings.Cut(folder, again)
	parts := strings.Split(name, "_")
	if len(parts) != 5 {
		return ""
	}
	return parts[0] + "_" + parts[4]
}

// sweeper removes the folders of versions that belong to no package: those of
// earlier versions and of removed packages when their last process is gone, and
// what an installation left that did not end.
type sweeper struct {
	broker *broker
	hints  chan struct{}

	mu      sync.Mutex
	watched map[task.Process]bool // its end is a hint
}

func newSweeper(b *broker) *sweeper {
	s := &sweeper{broker: b, hints: make(chan struct{}, 1), watched: make(map[task.Process]bool)}
	s.hint() // a broker begins with it
	return s
}

func (s *sweeper) hint() { give(s.hints) }

// give puts one token into a channel that holds one.
func give(hints chan struct{}) {
	select {
	case hints <- struct{}{}:
	default:
	}
}

// run sweeps at each hint until the broker ends.
func (s *sweeper) run() {
	for {
		select {
		case <-s.hints:
			if err := s.sweep(); err != nil && s.broker.life.Err() == nil {
				s.broker.log.Error("folders of earlier versions cannot be removed", "err", err)
			}
		case <-s.broker.life.Done():
			return
		}
	}
}

// sweep removes what nobody uses and watches who uses the rest.
func (s *sweeper) sweep() error {
	b := s.broker
	free, err := b.alone(b.life)
	if err != nil {
		return err
	}
	defer free()
	entries, err := os.ReadDir(b.versions)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	packages, err := b.packages(b.life)
	if err != nil {
		return err
	}
	needed := neededFolders(packages)
	var faults []error
	for _, e := range entries {
		folder := filepath.Join(b.versions, e.Name())
		if needed[e.Name()] || s.inUse(folder) {
			continue
		}
		if err := removeTree(folder); err != nil {
			faults = append(faults, err)
			continue
		}
		b.log.Info("a folder that no package needs was removed", "folder", folder)
	}
	return errors.Join(faults...)
}

// neededFolders are the names of the versions that packages have. A name says it, not
// a path: the state directory may have another one than when they were installed.
func neededFolders(packages []task.Package) map[string]bool {
	names := make(map[string]bool)
	for _, p := range packages {
		names[filepath.Base(p.Folder)] = true
	}
	return names
}

// inUse says whether a process lives in the folder, or may live there; its end is a
// hint.
func (s *sweeper) inUse(folder string) bool {
	pids, err := processesIn(folder)
	used := err != nil
	for _, pid := range pids {
		proc, unseen := s.broker.inspector.Identify(pid)
		if errors.Is(unseen, process.ErrGone) {
			continue
		}
		used = true
		if err = errors.Join(err, unseen); unseen == nil {
			err = errors.Join(err, s.watch(proc))
		}
	}
	if err != nil && s.broker.life.Err() == nil { // a limit of the system's
		s.broker.log.Warn("who uses a folder of an earlier version cannot be told", "folder", folder, "err", err)
		time.AfterFunc(sweepAgain, s.hint)
	}
	return used
}

func (s *sweeper) watch(p task.Process) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watched[p] {
		return nil
	}
	s.watched[p] = true
	over := func(process.Exit) {
		s.mu.Lock()
		delete(s.watched, p)
		s.mu.Unlock()
		s.hint()
	}
	_, err := s.broker.processes.launcher.OnExit(p, over)
	if err != nil {
		delete(s.watched, p)
	}
	if errors.Is(err, process.ErrGone) {
		s.hint()
		return nil
	}
	return err
}

// processesIn are the user's processes whose program or working directory is in the
// folder, or which were started with a path in it, as scripts are.
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

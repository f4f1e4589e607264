//go:build linux

package broker

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/manifest"
	"github.com/bgtask/bgtask/task"
)

// systemWithin bounds how long clients wait for the first look at the system's
// packages: a program of one of them must not be taken for an unknown one.
const systemWithin = 10 * time.Second

// systemWatch is what the watcher of files calls the folders of system packages.
var systemWatch = task.MustGUID("5d1b7a52-6f4c-4d0e-9a77-6b4d0f4b8c11")

// system keeps the packages that a distribution put on the machine as the folders
// say: each has a folder with a manifest in bgtask/packages of a data directory.
type system struct {
	broker *broker
	dirs   []string
	hints  chan struct{}
	first  chan struct{} // closed after the first look

	mu      sync.Mutex
	trouble map[string]error // by folder
	behind  []task.Check     // of packages that the user's own go before, and are newer
}

func newSystem(b *broker) *system {
	s := &system{broker: b, dirs: systemDirs(), hints: make(chan struct{}, 1), first: make(chan struct{}), trouble: make(map[string]error)}
	s.hint()
	return s
}

// systemDirs are bgtask/packages of the data directories of the XDG base directory
// specification, in the order in which they count.
func systemDirs() []string {
	list := os.Getenv("XDG_DATA_DIRS")
	if list == "" {
		list = "/usr/local/share:/usr/share"
	}
	var dirs []string
	for _, dir := range strings.Split(list, ":") {
		if dir = filepath.Join(dir, "bgtask", "packages"); filepath.IsAbs(dir) && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs[:min(len(dirs), task.MaxWatchedPaths)]
}

func (s *system) hint() { give(s.hints) }

// run looks at each hint until the broker ends. The hints come from the watcher of
// files, when the folders have been quiet for a moment, and from packages that are
// gone.
func (s *system) run() {
	s.broker.watches.watch(systemWatch, task.StorageLibraryContentChangedTrigger{Paths: s.dirs})
	for first := true; ; first = false {
		select {
		case <-s.hints:
			if err := s.look(s.broker.life); err != nil && s.broker.life.Err() == nil {
				s.broker.log.Error("the system's packages cannot be looked at", "err", err)
			}
		case <-s.broker.life.Done():
			return
		}
		if first {
			close(s.first)
		}
	}
}

// scanned returns after the first look, or when that takes too long.
func (s *system) scanned(within time.Duration) {
	select {
	case <-s.first:
	case <-time.After(within):
	case <-s.broker.life.Done():
	}
}

// look makes the broker's packages those of the folders.
func (s *system) look(ctx context.Context) error {
	found := s.find()
	known, err := s.broker.packages(ctx)
	if err != nil {
		return err
	}
	s.compare(known, found)
	var faults []error
	for _, p := range found {
		faults = append(faults, s.install(ctx, p))
	}
	for _, p := range known {
		if p.Origin == task.OriginSystem && found[p.Family].Family == "" && vanished(p.Folder) {
			_, err := s.broker.ask(ctx, engine.Uninstall{Request: newRequestID(), Package: p.Family, System: true})
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// compare notes what the user's own packages hide.
func (s *system) compare(known []task.Package, found map[string]task.Package) {
	var behind []task.Check
	for _, own := range known {
		p, ok := found[own.Family]
		if ok && own.Origin != task.OriginSystem && task.CompareVersions(p.Version, own.Version) > 0 {
			behind = append(behind, task.Check{Level: task.CheckWarn, Subject: "package",
				Text: own.Family + ": yours, " + own.Version + ", goes before the system's, which is " + p.Version + ".", Fix: "bgtask uninstall --keep-data " + own.Family})
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behind = behind
}

// install asks first, so that a look which changes nothing writes nothing.
func (s *system) install(ctx context.Context, p task.Package) error {
	ev := engine.Install{Request: newRequestID(), Package: p}
	a, err := s.broker.checkInstall(ctx, ev)
	switch {
	case errors.Is(err, task.ErrConflict):
		return nil // what was there before it goes, and tells when it is gone
	case err != nil || a.Change == engine.Unchanged:
		return err
	}
	if ev.Package.LocalFolder, err = s.broker.makeLocalFolder(p.Family); err == nil {
		_, err = s.broker.ask(ctx, ev)
	}
	return err
}

// vanished: a folder that cannot be read is not gone.
func vanished(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, manifest.FileName))
	return errors.Is(err, fs.ErrNotExist)
}

// find reads all folders: by family, the first one of each.
func (s *system) find() map[string]task.Package {
	found := make(map[string]task.Package)
	trouble := make(map[string]error)
	for _, dir := range s.dirs {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			trouble[dir] = err
		}
		for _, e := range entries {
			folder := filepath.Join(dir, e.Name())
			if vanished(folder) {
				continue // not a package, or not yet
			}
			p, err := readFolder(folder)
			if err != nil {
				trouble[folder] = err
				continue
			}
			if _, taken := found[p.Family]; !taken {
				p.Folder, p.Origin = folder, task.OriginSystem
				found[p.Family] = p
			}
		}
	}
	s.tell(trouble)
	return found
}

// tell logs what is new of the trouble.
func (s *system) tell(trouble map[string]error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for folder, err := range trouble {
		if last := s.trouble[folder]; last == nil || last.Error() != err.Error() {
			s.broker.log.Warn("a system package is not taken", "folder", folder, "err", err)
		}
	}
	s.trouble = trouble
}

// checks are for "bgtask doctor".
func (s *system) checks() []task.Check {
	s.mu.Lock()
	defer s.mu.Unlock()
	checks := slices.Clone(s.behind)
	for _, folder := range slices.Sorted(maps.Keys(s.trouble)) {
		err := s.trouble[folder]
		checks = append(checks, task.Check{Level: task.CheckFail, Subject: "package", Text: folder + ": " + sentence(err), Fix: task.Hint(err)})
	}
	return checks
}

//go:build linux

package packages

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bgtask/bgtask/internal/broker/fault"
	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/manifest"
	"github.com/bgtask/bgtask/task"
)

// distribution keeps the packages that the machine's distribution installed as their
// folders are: each package has a folder with a manifest in bgtask/packages of a data
// directory.
type distribution struct {
	loop      *loop.Handle
	installer *installer
	log       *slog.Logger
	watch     func(dirs []string, changed func())
	dirs      []string
	hints     hints
	first     chan struct{} // closed after the first look

	mu      sync.Mutex
	trouble map[string]error // by folder
	hidden  []task.Check     // of newer packages that the user's own packages hide
}

func newDistribution(c Config, i *installer) *distribution {
	d := &distribution{
		loop: c.Loop, installer: i, log: c.Log, watch: c.WatchFolders, dirs: systemDirs(),
		hints: newHints(), first: make(chan struct{}), trouble: make(map[string]error),
	}
	d.hint()
	return d
}

// systemDirs returns bgtask/packages of the data directories of the XDG base directory
// specification, in order of precedence.
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

func (d *distribution) hint() { d.hints.give() }

// run looks at the folders at each hint until the loop has ended. The hints come from the
// watch of the folders, once these have been quiet for a moment, and from the removal of
// packages.
func (d *distribution) run() {
	d.watch(d.dirs, d.hint)
	life := d.loop.Life()
	for first := true; ; first = false {
		select {
		case <-d.hints:
			if err := d.look(life); err != nil && life.Err() == nil {
				d.log.Error("cannot update the system's packages", "err", err)
			}
		case <-life.Done():
			return
		}
		if first {
			close(d.first)
		}
	}
}

// scanned returns after the first look, or after within.
func (d *distribution) scanned(within time.Duration) {
	select {
	case <-d.first:
	case <-time.After(within):
	case <-d.loop.Life().Done():
	}
}

// look makes the engine's packages match the folders.
func (d *distribution) look(ctx context.Context) error {
	found := d.find()
	known, err := d.loop.Packages(ctx)
	if err != nil {
		return err
	}
	d.compare(known, found)
	var faults []error
	for _, p := range found {
		faults = append(faults, d.install(ctx, p))
	}
	for _, p := range known {
		if p.Origin == task.OriginSystem && found[p.Family].Family == "" && vanished(p.Folder) {
			_, err := d.loop.Ask(ctx, engine.Uninstall{Request: loop.NewRequestID(), Package: p.Family, System: true})
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// compare notes which newer packages the user's own packages hide.
func (d *distribution) compare(known []task.Package, found map[string]task.Package) {
	var hidden []task.Check
	for _, own := range known {
		p, ok := found[own.Family]
		if ok && own.Origin != task.OriginSystem && task.CompareVersions(p.Version, own.Version) > 0 {
			hidden = append(hidden, task.Check{Level: task.CheckWarn, Subject: "package",
				Text: own.Family + ": your version " + own.Version + " hides the system's newer version " + p.Version + ".", Fix: "bgtask uninstall --keep-data " + own.Family})
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hidden = hidden
}

// install asks first, so that a look that changes nothing writes nothing.
func (d *distribution) install(ctx context.Context, p task.Package) error {
	ev := engine.Install{Request: loop.NewRequestID(), Package: p}
	a, err := d.installer.check(ctx, ev)
	switch {
	case errors.Is(err, task.ErrConflict):
		return nil // the user's own package hides it; its removal is a hint
	case err != nil || a.Change == engine.Unchanged:
		return err
	}
	if ev.Package.LocalFolder, err = d.installer.places.makeLocalFolder(p.Family); err == nil {
		_, err = d.loop.Ask(ctx, ev)
	}
	return err
}

// vanished reports whether a package folder is gone. A folder that cannot be read is not
// gone.
func vanished(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, manifest.FileName))
	return errors.Is(err, fs.ErrNotExist)
}

// find reads all folders and returns the packages by family, the first one of each.
func (d *distribution) find() map[string]task.Package {
	found := make(map[string]task.Package)
	trouble := make(map[string]error)
	for _, dir := range d.dirs {
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
	d.note(trouble)
	return found
}

// note keeps the trouble for doctor and logs what is new.
func (d *distribution) note(trouble map[string]error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for folder, err := range trouble {
		if last := d.trouble[folder]; last == nil || last.Error() != err.Error() {
			d.log.Warn("cannot use a system package", "folder", folder, "err", err)
		}
	}
	d.trouble = trouble
}

// checks returns the findings of "bgtask doctor" about these packages.
func (d *distribution) checks() []task.Check {
	d.mu.Lock()
	defer d.mu.Unlock()
	checks := slices.Clone(d.hidden)
	for _, folder := range slices.Sorted(maps.Keys(d.trouble)) {
		err := d.trouble[folder]
		checks = append(checks, task.Check{Level: task.CheckFail, Subject: "package", Text: folder + ": " + fault.Text(err), Fix: task.Hint(err)})
	}
	return checks
}

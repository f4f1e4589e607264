//go:build linux

package broker

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/manifest"
	"github.com/bgtask/bgtask/task"
)

// directory is the list of packages as calls need it: the engine's, asked for
// again when it has changed.
type directory struct {
	ask func(context.Context) ([]task.Package, error)

	mu      sync.Mutex
	current []task.Package
	fresh   bool
	changes int
}

func (d *directory) list(ctx context.Context) ([]task.Package, error) {
	d.mu.Lock()
	if d.fresh {
		defer d.mu.Unlock()
		return d.current, nil
	}
	changes := d.changes
	d.mu.Unlock()
	packages, err := d.ask(ctx)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.changes == changes {
		d.current, d.fresh = packages, true
	}
	return packages, nil
}

// changed is called when a package was added, updated or removed.
func (d *directory) changed() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fresh = false
	d.changes++
}

// localFolder is where the data of a package is.
func (b *broker) localFolder(family string) string {
	return filepath.Join(b.cfg.StateDir, "packages", family, "LocalFolder")
}

func (b *broker) makeLocalFolder(family string) (string, error) {
	folder := b.localFolder(family)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", &task.Error{Subject: family, Err: fmt.Errorf("%w: %w", task.ErrInternal, err), Detail: "its data folder cannot be made: " + err.Error()}
	}
	return folder, nil
}

// impliedFamily names the implied package of a program, by its path.
func impliedFamily(exe string) string {
	const most = 50 // as Windows bounds the name of a package
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-':
			return r
		}
		return '-'
	}, filepath.Base(exe))
	return name[:min(len(name), most)] + "_" + manifest.PublisherID(exe)
}

// imply makes the caller's package known if it is an implied one that is not.
func (b *broker) imply(ctx context.Context, w who) error {
	if !w.implied {
		return nil
	}
	installed, err := b.directory.list(ctx)
	if err != nil || known(w.family, installed) {
		return err
	}
	p, err := b.implied(w)
	if err != nil {
		return err
	}
	if err := b.removals.settled(ctx, w.family); err != nil {
		return err
	}
	_, err = b.ask(ctx, engine.Imply{Request: newRequestID(), Package: p})
	b.directory.changed()
	return err
}

func (b *broker) implied(w who) (task.Package, error) {
	p := task.Package{Family: w.family, Name: w.family, DisplayName: w.family, Implied: true}
	switch {
	case w.sandbox != "":
		if snap, ok := strings.CutPrefix(w.sandbox, "snap."); ok {
			p.Servers = []task.ClassServer{{Executable: "/snap/bin/" + snap, Declared: "the snap " + snap}}
		} else {
			p.Servers = []task.ClassServer{{Executable: "/usr/bin/flatpak", Arguments: []string{"run", w.sandbox}, Declared: "the Flatpak " + w.sandbox}}
		}
	case temporary(w.exe):
		return p, &task.Error{Subject: w.exe, Err: task.ErrNoPackage,
			Detail: "go run makes it for once, and it is gone when its task is due: build it first", Hint: "go build, then run what it made; or bgtask install DIR"}
	default:
		p.Name, p.DisplayName, p.Folder = filepath.Base(w.exe), filepath.Base(w.exe), ""
		p.Servers = []task.ClassServer{{Executable: w.exe, Declared: w.exe}}
	}
	folder, err := b.makeLocalFolder(w.family)
	p.LocalFolder = folder
	return p, err
}

// temporaryFolder is one of "go run": /tmp/go-build123, or go-build in its cache.
var temporaryFolder = regexp.MustCompile(`/go-build[0-9]*/`)

func temporary(exe string) bool { return temporaryFolder.MatchString(exe) }

//go:build linux

package packages

import (
	"context"

	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// installer installs packages. The caller's goroutine reads, checks and unpacks; the loop
// only gets what is in place.
type installer struct {
	loop      *loop.Handle
	trustDir  string
	places    places
	directory *directory
	settled   func(ctx context.Context, family string) error // waits until nothing of a package is being removed
	turns     turns
	leftover  func() // reports that a folder may have to be swept
}

// install installs or updates what a path names.
func (i *installer) install(ctx context.Context, r wire.InstallRequest) (wire.Installed, error) {
	path, file, err := locate(r.Path)
	switch {
	case err != nil:
		return wire.Installed{}, err
	case file:
		return i.installFile(ctx, path, r)
	}
	if err := verifyFolder(ctx, path); err != nil {
		return wire.Installed{}, explain(path, err)
	}
	p, err := readFolder(path)
	if err != nil {
		return wire.Installed{}, err
	}
	return i.admit(ctx, r, p)
}

// installFile installs a package file. All of it is checked before anything is written.
// It is extracted beside its place and renamed into it, so a broker that is killed leaves
// either no version or a complete one; the next broker sweeps the rest.
func (i *installer) installFile(ctx context.Context, path string, r wire.InstallRequest) (wire.Installed, error) {
	file, err := openFile(path)
	if err != nil {
		return wire.Installed{}, notInstalled(path, err.Error(), "")
	}
	defer file.Close()
	f, err := openPackage(ctx, path, file, i.trustDir, r.AllowUnsigned)
	if err != nil {
		return wire.Installed{}, explain(path, err)
	}
	ev := engine.Install{Request: loop.RequestID(r.Request), Package: f.identity(), Downgrade: r.AllowDowngrade}
	a, err := i.check(ctx, ev)
	if err != nil {
		return wire.Installed{}, err
	}
	if a.Change == engine.Unchanged {
		return i.installed(ctx, ev.Package, a)
	}
	free, err := i.turns.take(ctx, i.loop.Life())
	if err != nil {
		return wire.Installed{}, err
	}
	defer i.leftover() // a package that is refused last leaves a folder
	defer free()
	p, err := f.unpack(ctx, i.places.versions)
	if err != nil {
		return wire.Installed{}, explain(path, err)
	}
	return i.admit(ctx, r, p)
}

// admit makes the engine know a package that is in place.
func (i *installer) admit(ctx context.Context, r wire.InstallRequest, p task.Package) (wire.Installed, error) {
	ev := engine.Install{Request: loop.RequestID(r.Request), Package: p, Downgrade: r.AllowDowngrade}
	if _, err := i.check(ctx, ev); err != nil { // before the folder is made: what is refused leaves none
		return wire.Installed{}, err
	}
	folder, err := i.places.makeLocalFolder(p.Family)
	if err != nil {
		return wire.Installed{}, err
	}
	ev.Package.LocalFolder = folder
	a, err := i.loop.Ask(ctx, ev)
	if err != nil {
		return wire.Installed{}, err
	}
	return i.installed(ctx, ev.Package, a)
}

// check returns what the engine would answer. It waits until nothing of the package is
// being removed.
func (i *installer) check(ctx context.Context, ev engine.Install) (a engine.Answer, err error) {
	if err := i.settled(ctx, ev.Package.Family); err != nil {
		return a, err
	}
	if err := i.loop.Query(ctx, func(state loop.State, _ engine.Instant) { a = state.CheckInstall(ev) }); err != nil {
		return a, err
	}
	return a, a.Err()
}

// installed returns what became of p.
func (i *installer) installed(ctx context.Context, p task.Package, a engine.Answer) (wire.Installed, error) {
	i.directory.changed()
	p.Access = a.Access
	if a.Change == engine.Unchanged {
		all, err := i.directory.list(ctx)
		if err != nil {
			return wire.Installed{}, err
		}
		for _, there := range all {
			if there.Family == p.Family {
				p = there
			}
		}
	}
	return wire.Installed{Package: p, Change: wire.Change(a.Change)}, nil
}

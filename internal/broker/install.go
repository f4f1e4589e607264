//go:build linux

package broker

import (
	"context"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// install installs or updates what a path names. It is the caller's goroutine that
// reads, checks and unpacks; the loop only hears of what is in place.
func (b *broker) install(ctx context.Context, r wire.InstallRequest) (wire.Installed, error) {
	path, file, err := locate(r.Path)
	switch {
	case err != nil:
		return wire.Installed{}, err
	case file:
		return b.installFile(ctx, path, r)
	}
	if err := verifyFolder(ctx, path); err != nil {
		return wire.Installed{}, explainPackage(path, err)
	}
	p, err := readFolder(path)
	if err != nil {
		return wire.Installed{}, err
	}
	return b.admitPackage(ctx, r, p)
}

// admitPackage tells the engine of a package that is in place.
func (b *broker) admitPackage(ctx context.Context, r wire.InstallRequest, p task.Package) (wire.Installed, error) {
	ev := engine.Install{Request: requestID(r.Request), Package: p, Downgrade: r.AllowDowngrade}
	if _, err := b.checkInstall(ctx, ev); err != nil { // what is refused leaves no folder
		return wire.Installed{}, err
	}
	folder, err := b.makeLocalFolder(p.Family)
	if err != nil {
		return wire.Installed{}, err
	}
	ev.Package.LocalFolder = folder
	a, err := b.ask(ctx, ev)
	if err != nil {
		return wire.Installed{}, err
	}
	return b.installed(ctx, ev.Package, a)
}

// checkInstall is what the engine would answer, when nothing of the package is being
// removed any more.
func (b *broker) checkInstall(ctx context.Context, ev engine.Install) (a engine.Answer, err error) {
	if err := b.removals.settled(ctx, ev.Package.Family); err != nil {
		return a, err
	}
	if err := b.query(ctx, func(engine.Instant) { a = b.engine.CheckInstall(ev) }); err != nil {
		return a, err
	}
	return a, a.Err()
}

// installed is what became of p.
func (b *broker) installed(ctx context.Context, p task.Package, a engine.Answer) (wire.Installed, error) {
	b.directory.changed()
	p.Access = a.Access
	if a.Change == engine.Unchanged {
		all, err := b.directory.list(ctx)
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

//go:build linux

package broker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

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

// readPackage reads the package in a folder.
func (b *broker) readPackage(path string) (task.Package, error) {
	folder, err := packageFolder(path)
	if err != nil {
		return task.Package{}, err
	}
	file, err := os.Open(filepath.Join(folder, manifest.FileName))
	if err != nil {
		return task.Package{}, &task.Error{Op: "install", Subject: path, Err: fmt.Errorf("%w: %w", task.ErrInvalid, err),
			Detail: "it has no " + manifest.FileName, Hint: "give the folder that holds it"}
	}
	defer file.Close()
	m, err := manifest.Read(manifest.FileName, file)
	if err != nil {
		return task.Package{}, err
	}
	p, err := m.Package(folder, resolver(folder))
	if err != nil {
		return task.Package{}, err
	}
	p.LocalFolder, err = b.makeLocalFolder(p.Family)
	return p, err
}

func packageFolder(path string) (string, error) {
	invalid := func(detail, hint string) error {
		return &task.Error{Op: "install", Subject: path, Err: task.ErrInvalid, Detail: detail, Hint: hint}
	}
	if !filepath.IsAbs(path) {
		return "", invalid("the path is not absolute", "")
	}
	folder, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", invalid("there is no such folder", "")
	} else if err != nil {
		return "", invalid(err.Error(), "")
	}
	info, err := os.Stat(folder)
	if err != nil {
		return "", invalid(err.Error(), "")
	}
	if !info.IsDir() {
		return "", invalid("it is not a folder", "unpack it, and install the folder with its "+manifest.FileName)
	}
	return folder, nil
}

// resolver finds programs in a package folder: no link leads out of it, and case
// counts only where two names differ by nothing else.
func resolver(folder string) manifest.Resolve {
	return func(rel string) (string, bool) {
		path, ok := findFile(folder, rel)
		if !ok {
			return "", false
		}
		real, err := filepath.EvalSymlinks(path)
		if err != nil || !strings.HasPrefix(real, folder+"/") {
			return "", false
		}
		info, err := os.Stat(real)
		return real, err == nil && info.Mode().IsRegular() && unix.Access(real, unix.X_OK) == nil
	}
}

func findFile(folder, rel string) (string, bool) {
	path := folder
	for _, name := range strings.Split(rel, "/") {
		exact := filepath.Join(path, name)
		if _, err := os.Lstat(exact); err == nil {
			path = exact
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return "", false
		}
		found := ""
		for _, e := range entries {
			if strings.EqualFold(e.Name(), name) {
				if found != "" {
					return "", false
				}
				found = e.Name()
			}
		}
		if found == "" {
			return "", false
		}
		path = filepath.Join(path, found)
	}
	return path, true
}

// removeFolders removes what a package left here. The folder that it was
// installed from is its user's and stays.
func (b *broker) removeFolders(p task.Package, keepData bool) {
	root := filepath.Join(b.cfg.StateDir, "packages")
	folder := filepath.Join(root, p.Family)
	if keepData || filepath.Dir(folder) != root {
		return
	}
	b.background.Go(func() {
		if err := os.RemoveAll(folder); err != nil {
			b.log.Error("the data of a removed package is still there", "package", p.Family, "folder", folder, "err", err)
		}
	})
}

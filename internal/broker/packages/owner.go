//go:build linux

package packages

import (
	"context"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/manifest"
	"github.com/bgtask/bgtask/task"
)

// Program is a program that calls the broker, as the kernel shows it.
type Program struct {
	Executable string // its path, or "" when it cannot be seen
	Sandbox    string // the application id of Flatpak or Snap, or ""
}

// Owner is the package of a program.
type Owner struct {
	Family   string
	Home     string // the folder of the installed version in which the program lies; "" if elsewhere
	Implied  bool   // the program belongs to no installed package
	Verified bool   // by the kernel: the caller did not just claim it
}

// OwnerOf returns the package of a program: the claimed one, the one whose launch the
// program belongs to, the one whose folder holds the executable, or an implied one. A
// sandboxed program is its application and nothing else.
func (m *Manager) OwnerOf(ctx context.Context, p Program, claim, launched string) (Owner, error) {
	if p.Sandbox != "" {
		return sandboxed(p, claim)
	}
	installed, err := m.directory.list(ctx)
	if err != nil {
		return Owner{}, err
	}
	return ownerOf(p, claim, launched, m.places.versionOf(p.Executable), installed)
}

func sandboxed(p Program, claim string) (Owner, error) {
	if claim != "" && claim != p.Sandbox {
		return Owner{}, NotItsApplication(p)
	}
	return Owner{Family: p.Sandbox, Implied: true, Verified: true}, nil
}

// NotItsApplication is the error for a sandboxed program that claims to be another
// package, or the user.
func NotItsApplication(p Program) error {
	return &task.Error{Subject: p.Sandbox, Err: task.ErrAccessDenied,
		Detail: "a sandboxed application can only act as itself", Hint: "leave out the package; it is " + p.Sandbox}
}

func ownerOf(p Program, claim, launched, version string, installed []task.Package) (Owner, error) {
	o := Owner{Home: version}
	home := homeOf(p.Executable, installed)
	if family := familyOf(filepath.Base(version)); home == "" && known(family, installed) {
		home = family // an earlier version that still runs, and so keeps its folder
	}
	switch {
	case claim != "":
		o.Family, o.Verified = claim, claim == home || claim == launched
		if !known(claim, installed) {
			return Owner{}, &task.Error{Subject: claim, Err: task.ErrNoPackage, Detail: "no such package is installed", Hint: "bgtask install DIR"}
		}
	case launched != "" && launched != task.CommandPackage:
		o.Family, o.Verified = launched, true
	case home != "":
		o.Family, o.Verified = home, true
	case p.Executable == "":
		return Owner{}, &task.Error{Err: task.ErrNoPackage, Detail: "the broker cannot see your process, and it claims no package",
			Hint: "name the package (Client.Package)"}
	default:
		o.Family, o.Implied, o.Verified = impliedFamily(p.Executable), true, true
	}
	return o, nil
}

func known(family string, installed []task.Package) bool {
	return slices.ContainsFunc(installed, func(p task.Package) bool { return p.Family == family })
}

// homeOf returns the package whose folder holds exe, the innermost one. A package's
// folder may be a link, so a package with exe as a class server counts as well.
func homeOf(exe string, installed []task.Package) string {
	family, longest := "", 0
	for i := range installed {
		folder := installed[i].Folder
		if folder == "" || !filepath.IsAbs(exe) {
			continue
		}
		if slices.ContainsFunc(installed[i].Servers, func(s task.ClassServer) bool { return s.Executable == exe }) {
			return installed[i].Family
		}
		if len(folder) <= longest {
			continue
		}
		if strings.HasPrefix(exe, strings.TrimSuffix(folder, "/")+"/") {
			family, longest = installed[i].Family, len(folder)
		}
	}
	return family
}

// impliedFamily returns the family of a program's implied package. It depends on the
// program's path.
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

// Imply makes the engine know a program's implied package. It does nothing for a package
// that is installed or already known.
func (m *Manager) Imply(ctx context.Context, p Program, o Owner) error {
	if !o.Implied {
		return nil
	}
	installed, err := m.directory.list(ctx)
	if err != nil || known(o.Family, installed) {
		return err
	}
	implied, err := m.implied(p, o.Family)
	if err != nil {
		return err
	}
	if err := m.remover.settled(ctx, o.Family); err != nil {
		return err
	}
	_, err = m.installer.loop.Ask(ctx, engine.Imply{Request: loop.NewRequestID(), Package: implied})
	m.directory.changed()
	return err
}

func (m *Manager) implied(p Program, family string) (task.Package, error) {
	pack := task.Package{Family: family, Name: family, DisplayName: family, Implied: true}
	switch {
	case p.Sandbox != "":
		if snap, ok := strings.CutPrefix(p.Sandbox, "snap."); ok {
			pack.Servers = []task.ClassServer{{Executable: "/snap/bin/" + snap, Declared: "the snap " + snap}}
		} else {
			pack.Servers = []task.ClassServer{{Executable: "/usr/bin/flatpak", Arguments: []string{"run", p.Sandbox}, Declared: "the Flatpak " + p.Sandbox}}
		}
	case temporary(p.Executable):
		return pack, &task.Error{Subject: p.Executable, Err: task.ErrNoPackage,
			Detail: "go run deletes this program when it ends, so it could not be started when its task is due", Hint: "go build, then run the built program; or bgtask install DIR"}
	default:
		pack.Name, pack.DisplayName, pack.Folder = filepath.Base(p.Executable), filepath.Base(p.Executable), ""
		pack.Servers = []task.ClassServer{{Executable: p.Executable, Declared: p.Executable}}
	}
	folder, err := m.places.makeLocalFolder(family)
	pack.LocalFolder = folder
	return pack, err
}

// temporaryFolder is a folder of "go run": /tmp/go-build123, or go-build in its cache.
var temporaryFolder = regexp.MustCompile(`/go-build[0-9]*/`)

func temporary(exe string) bool { return temporaryFolder.MatchString(exe) }

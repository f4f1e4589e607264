package packages

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/internal/declaration"
	program "github.com/bgtask/bgtask/internal/describe"
	"github.com/bgtask/bgtask/manifest"
	"github.com/bgtask/bgtask/msix"
	"github.com/bgtask/bgtask/task"
)

// madePackage is a package that was made.
type madePackage struct {
	Path         string   `json:"path"`
	Family       string   `json:"family"`
	FullName     string   `json:"full_name"`
	Version      string   `json:"version"`
	Architecture string   `json:"architecture"`
	Platforms    []string `json:"platforms,omitempty"` // that it has programs for
	Bytes        int64    `json:"bytes,omitempty"`
	Signed       bool     `json:"signed"`
}

// maker makes the packages of one command line.
type maker struct {
	packageFlags
	signer   *msix.Signer
	modified time.Time
	several  bool     // --out is a folder
	warnings []string // of the manifests
}

func (a *app) makePackages(c *cobra.Command, what string, f packageFlags) error {
	m := &maker{packageFlags: f}
	var err error
	if m.signer, err = f.signing.signer(c); err != nil {
		return err
	}
	if m.modified, err = epoch(); err != nil {
		return err
	}
	if f.folder && m.signer != nil {
		return verb.Usage(c, "--folder makes a folder, and only package files are signed")
	}
	made, err := m.make(c, what)
	if err != nil {
		return err
	}
	if a.JSON {
		a.Object(term.Member("packages", term.ListOf(made)))
	} else {
		for _, p := range made {
			a.printPackage(p)
		}
	}
	for _, w := range m.warnings {
		a.Warn("%s", w)
	}
	if m.signer == nil && !f.folder {
		a.Warn("the package is not signed: Windows refuses it, and 'bgtask install' needs --allow-unsigned")
	}
	return nil
}

func (a *app) printPackage(p madePackage) {
	a.Printf("%s: %s %s %s", term.Clean(p.Path), term.Clean(p.Family), p.Version, p.Architecture)
	if len(p.Platforms) > 0 {
		a.Printf(", for %s", strings.Join(p.Platforms, " and "))
	}
	if p.Bytes > 0 {
		a.Printf(", %s", megabytes(p.Bytes))
	}
	if p.Signed {
		a.Printf(", signed")
	}
	a.Printf("\n")
}

// make finds what to pack, and packs it.
func (m *maker) make(c *cobra.Command, what string) ([]madePackage, error) {
	info, err := os.Stat(what)
	if err != nil {
		return nil, err
	}
	if info.IsDir() && !exists(filepath.Join(what, declaration.FileName)) {
		if exists(filepath.Join(what, manifest.FileName)) {
			if m.folder || len(m.platforms) > 0 {
				return nil, verb.Usage(c, "--folder and --platform need a "+declaration.FileName+", but "+what+" is a finished package folder")
			}
			return m.one(c.Context(), what)
		}
		return nil, &task.Error{Op: "package", Subject: what, Err: task.ErrInvalid,
			Detail: "found neither a " + declaration.FileName + " nor an " + manifest.FileName, Hint: "'bgtask manifest new' writes a " + declaration.FileName}
	}
	d, err := declaration.Load(what)
	if err != nil {
		return nil, err
	}
	groups, err := byProcessor(c, d, m.platforms)
	if err != nil {
		return nil, err
	}
	m.several = len(groups) > 1
	var made []madePackage
	for _, g := range groups {
		p, err := m.declared(c.Context(), d, g)
		if err != nil {
			return nil, err
		}
		for _, platform := range g.platforms {
			p.Platforms = append(p.Platforms, platform.String())
		}
		made = append(made, p)
	}
	return made, nil
}

// declared makes the package of a declaration for one processor.
func (m *maker) declared(ctx context.Context, d *declaration.Declaration, g architectureOf) (madePackage, error) {
	p := describe(d.Manifest(g.arch).Identity)
	if m.folder {
		p.Path = m.path(p, "")
		err := m.stage(ctx, d, g, p.Path)
		return p, err
	}
	dir, err := os.MkdirTemp("", "bgtask-package-")
	if err != nil {
		return p, err
	}
	defer os.RemoveAll(dir)
	if err := m.stage(ctx, d, g, filepath.Join(dir, "package")); err != nil {
		return p, err
	}
	return m.pack(ctx, filepath.Join(dir, "package"), p)
}

// stage makes and checks the folder of a package. A folder with errors is removed.
func (m *maker) stage(ctx context.Context, d *declaration.Declaration, g architectureOf, dir string) error {
	if err := stage(ctx, d, g, dir); err != nil {
		return err
	}
	parsed, err := m.check(dir)
	if err == nil {
		err = m.compare(ctx, d, g, dir, parsed)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	return nil
}

// one packs a finished folder.
func (m *maker) one(ctx context.Context, dir string) ([]madePackage, error) {
	parsed, err := m.check(dir)
	if err != nil {
		return nil, err
	}
	p, err := m.pack(ctx, dir, describe(parsed.Identity))
	return []madePackage{p}, err
}

// check checks the manifest of a folder against the rules and the files in the folder.
// Warnings are printed at the end.
func (m *maker) check(dir string) (*manifest.Manifest, error) {
	text, err := folderManifest(dir)
	if err != nil {
		return nil, err
	}
	parsed, found := manifest.Check(text.name, text.data, manifest.Options{Files: text.files, Linux: true})
	return parsed, m.keep(text.name, found)
}

// compare checks the classes of a program that runs here against the manifest. A program
// that describes nothing is packed anyway: it may serve classes without the SDK.
func (m *maker) compare(ctx context.Context, d *declaration.Declaration, g architectureOf, dir string, parsed *manifest.Manifest) error {
	if m.noRun || !slices.Contains(g.platforms, declaration.Here()) {
		return nil
	}
	found, err := compareClasses(ctx, d, dir, parsed, program.TimeLimit)
	if err != nil {
		if ctx.Err() == nil {
			m.warnings = append(m.warnings, "the classes of the program were not checked: "+err.Error())
			return nil
		}
		return context.Cause(ctx)
	}
	return m.keep(filepath.Join(dir, manifest.FileName), found)
}

// keep returns the errors among the findings, and keeps the warnings.
func (m *maker) keep(name string, found []manifest.Finding) error {
	var faults []error
	for _, f := range found {
		switch f.Severity {
		case manifest.Error:
			faults = append(faults, &task.Error{Subject: f.Place(name), Err: task.ErrInvalid, Detail: f.Message, Hint: f.Remedy})
		case manifest.Warning:
			m.warnings = append(m.warnings, f.Place(name)+": "+f.Message)
		}
	}
	return errors.Join(faults...)
}

func describe(id manifest.Identity) madePackage {
	arch := id.Architecture
	if arch == "" {
		arch = "neutral"
	}
	return madePackage{Family: id.FamilyName(), FullName: id.FullName(), Version: id.Version, Architecture: arch}
}

// path returns where a package is written: to --out, or under its full name into that
// folder.
func (m *maker) path(p madePackage, extension string) string {
	name := strings.TrimSuffix(p.FullName, p.FullName[strings.LastIndex(p.FullName, "_"):])
	name = strings.TrimSuffix(name, "_") + extension
	if m.out == "" {
		return name
	}
	if info, err := os.Stat(m.out); m.several || strings.HasSuffix(m.out, "/") || extension != "" && err == nil && info.IsDir() {
		return filepath.Join(m.out, name)
	}
	return m.out
}

// pack writes the package to a temporary file and renames it when it is complete.
func (m *maker) pack(ctx context.Context, dir string, p madePackage) (madePackage, error) {
	p.Path, p.Signed = m.path(p, ".msix"), m.signer != nil
	if err := os.MkdirAll(filepath.Dir(p.Path), 0o755); err != nil {
		return p, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return p, err
	}
	defer root.Close()
	p.Bytes, err = replace(p.Path, func(w io.Writer) error {
		return msix.Pack(ctx, w, without{root.FS(), within(dir, p.Path)}, msix.Options{Modified: m.modified, Signer: m.signer})
	})
	return p, err
}

// replace writes a file completely or not at all.
func replace(name string, write func(io.Writer) error) (size int64, err error) {
	file, err := os.CreateTemp(filepath.Dir(name), ".bgtask-*.msix")
	if err != nil {
		return 0, err
	}
	defer os.Remove(file.Name()) // fails if it was renamed
	err = write(file)
	if err == nil {
		size, err = file.Seek(0, io.SeekEnd)
	}
	if err == nil {
		err = errors.Join(file.Chmod(0o644), file.Sync())
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return 0, err
	}
	return size, os.Rename(file.Name(), name)
}

// without is a folder that hides the package that is being made of it.
type without struct {
	fs.FS
	package_ string // its path in the folder; "" if it is elsewhere
}

// ReadDir leaves out an earlier version of the package, and the temporary file.
func (w without) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(w.FS, name)
	if w.package_ == "" {
		return entries, err
	}
	var kept []fs.DirEntry
	for _, e := range entries {
		own := filepath.ToSlash(filepath.Join(name, e.Name())) == w.package_
		writing := name == filepath.ToSlash(filepath.Dir(w.package_)) && strings.HasPrefix(e.Name(), ".bgtask-") && strings.HasSuffix(e.Name(), ".msix")
		if !own && !writing {
			kept = append(kept, e)
		}
	}
	return kept, err
}

// within returns the path of a file in a folder; "" if it is elsewhere.
func within(dir, name string) string {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	if name, err = filepath.Abs(name); err != nil {
		return ""
	}
	rel, err := filepath.Rel(dir, name)
	if err != nil || !filepath.IsLocal(rel) {
		return ""
	}
	return filepath.ToSlash(rel)
}

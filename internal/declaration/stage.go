package declaration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/bgtask/bgtask/manifest"
	"github.com/bgtask/bgtask/task"
)

// Stage creates the folder of the package for a platform: the manifest, the
// program (built or copied), the logos and the other files. If the folder exists,
// it must be empty. If Stage fails, it removes the folder.
func (d *Declaration) Stage(ctx context.Context, p Platform, dir string) error {
	if err := emptyFolder(dir); err != nil {
		return err
	}
	err := d.stage(ctx, p, dir)
	if err != nil {
		_ = os.RemoveAll(dir) // best effort: an incomplete package would only block the next attempt
	}
	return err
}

func (d *Declaration) stage(ctx context.Context, p Platform, dir string) error {
	text, err := d.Manifest(p.Arch).Marshal()
	if err != nil {
		return err
	}
	assets, err := d.Assets()
	if err != nil {
		return err
	}
	for _, a := range append(assets, Asset{manifest.FileName, text}) {
		if err := writeFile(filepath.Join(dir, filepath.FromSlash(a.Name)), a.Data); err != nil {
			return err
		}
	}
	for _, name := range d.Files {
		from := filepath.Join(d.Dir, filepath.FromSlash(name))
		if isWithin(dir, from) {
			return stageError(name, "it contains the package folder "+dir+", which would be copied into itself", "use a package folder elsewhere")
		}
		if err := copyTree(from, filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			return stageError(name, err.Error(), "files lists paths relative to the declaration")
		}
	}
	return d.MakeProgram(ctx, p, filepath.Join(dir, filepath.FromSlash(d.ExecutableFor(p))))
}

// MakeProgram builds or copies the program for a platform.
func (d *Declaration) MakeProgram(ctx context.Context, p Platform, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if made, ok := d.Programs[p.String()]; ok {
		if err := copyFile(d.place(made), to, 0o755); err != nil {
			return stageError(made, err.Error(), "build it first, or set program to the Go package")
		}
		return nil
	}
	if d.Program == "" {
		return stageError(d.File, fmt.Sprintf("it declares no program for %v", p), `set program = "." for a Go package, or [programs] "`+p.String()+`" = "PATH"`)
	}
	return d.build(ctx, p, to)
}

// place returns the path of a file named in the declaration.
func (d *Declaration) place(name string) string {
	name = filepath.FromSlash(name)
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(d.Dir, name)
}

func (d *Declaration) build(ctx context.Context, p Platform, to string) error {
	to, err := filepath.Abs(to)
	if err != nil {
		return err
	}
	args := append([]string{"build"}, d.buildFlags(p)...)
	build := exec.CommandContext(ctx, "go", append(args, "-o", to, d.Program)...)
	build.Dir = d.Dir
	build.Env = append(append([]string{"CGO_ENABLED=0"}, os.Environ()...), "GOOS="+p.OS, "GOARCH="+p.Arch) // the program must not depend on a libc; programs that need cgo set CGO_ENABLED
	build.WaitDelay = time.Second
	out, err := build.CombinedOutput()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return stageError(d.Program, "the go command was not found", "install Go, or list a program that is built already in [programs]")
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return stageError(d.Program, fmt.Sprintf("building for %v failed: %s", p, lastLines(out)), "put the declaration into the module of the program")
	}
	return nil
}

// buildFlags returns the flags of go build. The default prevents a console window
// on Windows when a task starts.
func (d *Declaration) buildFlags(p Platform) []string {
	if d.BuildFlags != nil {
		return d.BuildFlags
	}
	if p.OS == "windows" {
		return []string{"-trimpath", "-ldflags=-H=windowsgui"}
	}
	return []string{"-trimpath"}
}

// lastLines returns the end of a command's output.
func lastLines(out []byte) string {
	const most = 8
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-most):], "; ")
}

func stageError(subject, detail, hint string) error {
	return &task.Error{Op: "make the package", Subject: subject, Err: task.ErrInvalid, Detail: detail, Hint: hint}
}

func emptyFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return os.MkdirAll(dir, 0o755)
	case err != nil:
		return err
	case len(entries) > 0:
		return stageError(dir, "the folder exists and is not empty", "use a new folder, or remove this one")
	}
	return nil
}

func writeFile(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o644)
}

// isWithin reports whether dir is the folder or inside it.
func isWithin(dir, folder string) bool {
	dir, err := filepath.Abs(dir)
	folder, failed := filepath.Abs(folder)
	rel, apart := filepath.Rel(folder, dir)
	return errors.Join(err, failed, apart) == nil && filepath.IsLocal(rel)
}

// copyTree copies a file or a folder. It rejects links and devices, which could
// mean something else on another machine.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case e.IsDir():
			return os.MkdirAll(target, 0o755)
		case !e.Type().IsRegular():
			return fmt.Errorf("%s is neither a file nor a folder", name)
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		return copyFile(name, target, 0o644|info.Mode().Perm()&0o111)
	})
}

func copyFile(from, to string, mode fs.FileMode) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}

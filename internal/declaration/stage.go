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

// Stage makes the folder of the package for a platform: its manifest, the program,
// built or copied, the logos and the other files. The folder is made, and has to be
// empty if it is there.
func (d *Declaration) Stage(ctx context.Context, p Platform, dir string) error {
	if err := emptyFolder(dir); err != nil {
		return err
	}
	err := d.stage(ctx, p, dir)
	if err != nil {
		os.RemoveAll(dir) // half a package is in the way of the next attempt
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
		if lies(dir, from) {
			return stageError(name, "the package folder "+dir+" lies in it, and would hold itself", "name a folder elsewhere")
		}
		if err := copyTree(from, filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			return stageError(name, err.Error(), "files names what is beside the declaration")
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
			return stageError(made, err.Error(), "build it first, or name the Go package with program")
		}
		return nil
	}
	if d.Program == "" {
		return stageError(d.File, fmt.Sprintf("it names no program for %v", p), `write program = "." for a Go package, or [programs] "`+p.String()+`" = "PATH"`)
	}
	return d.build(ctx, p, to)
}

// place is where a file is that the declaration names.
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
	build.Env = append(append([]string{"CGO_ENABLED=0"}, os.Environ()...), "GOOS="+p.OS, "GOARCH="+p.Arch) // one program for any libc; who needs cgo says so
	build.WaitDelay = time.Second
	out, err := build.CombinedOutput()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return stageError(d.Program, "the command go is not there", "install Go, or name a program that is built already with [programs]")
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return stageError(d.Program, fmt.Sprintf("it cannot be built for %v: %s", p, lastLines(out)), "the declaration belongs into the module of the program")
	}
	return nil
}

// buildFlags keeps Windows from opening a console for a task that starts.
func (d *Declaration) buildFlags(p Platform) []string {
	if d.BuildFlags != nil {
		return d.BuildFlags
	}
	if p.OS == "windows" {
		return []string{"-trimpath", "-ldflags=-H=windowsgui"}
	}
	return []string{"-trimpath"}
}

// lastLines is the end of what a command said.
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
		return stageError(dir, "it is there and not empty", "name a folder that is not there yet, or remove it")
	}
	return nil
}

func writeFile(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o644)
}

// lies says whether dir is in a folder, or is it.
func lies(dir, folder string) bool {
	dir, err := filepath.Abs(dir)
	folder, failed := filepath.Abs(folder)
	rel, apart := filepath.Rel(folder, dir)
	return errors.Join(err, failed, apart) == nil && filepath.IsLocal(rel)
}

// copyTree copies a file or a folder. Links and devices are refused: what they mean
// is not the same elsewhere.
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
	defer in.Close()
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

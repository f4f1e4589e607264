//go:build linux

package packages

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/manifest"
	"github.com/bgtask/bgtask/msix"
	"github.com/bgtask/bgtask/task"
)

func notInstalled(path, detail, hint string) error {
	return &task.Error{Op: "install", Subject: path, Err: task.ErrInvalid, Detail: detail, Hint: hint}
}

// locate resolves a path to a package folder, or to a package file. The path of a
// manifest stands for its folder.
func locate(path string) (real string, file bool, err error) {
	if !filepath.IsAbs(path) {
		return "", false, notInstalled(path, "the path is not absolute", "")
	}
	real, err = filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, notInstalled(path, "no such folder or file", "")
	} else if err != nil {
		return "", false, notInstalled(path, err.Error(), "")
	}
	info, err := os.Stat(real)
	switch {
	case err != nil:
		return "", false, notInstalled(path, err.Error(), "")
	case info.IsDir():
		return real, false, nil
	case !info.Mode().IsRegular():
		return "", false, notInstalled(path, "it is neither a folder nor a regular file", "")
	case strings.EqualFold(filepath.Base(real), manifest.FileName):
		return filepath.Dir(real), false, nil
	}
	return real, true, nil
}

// openFile opens a regular file and refuses anything else. Opening a pipe could block
// forever.
func openFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// readFolder reads the package in a folder. The caller has to set its data folder.
func readFolder(folder string) (task.Package, error) {
	path := filepath.Join(folder, manifest.FileName)
	file, err := openFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return task.Package{}, &task.Error{Op: "install", Subject: folder, Err: fmt.Errorf("%w: %w", task.ErrInvalid, err),
			Detail: "the folder has no " + manifest.FileName, Hint: "name the folder that contains the manifest, the manifest itself, or a package file"}
	} else if err != nil {
		return task.Package{}, notInstalled(path, err.Error(), "")
	}
	defer file.Close()
	sum := sha256.New()
	m, err := manifest.Read(manifest.FileName, io.TeeReader(file, sum))
	if err != nil {
		return task.Package{}, err
	}
	real, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return task.Package{}, notInstalled(folder, err.Error(), "")
	}
	p, err := m.Package(folder, resolver(real))
	if err != nil {
		return task.Package{}, err
	}
	p.Content, err = contentOf(sum, p)
	return p, err
}

// verifyFolder checks an unpacked package folder against its block map. A folder without
// one is a developer's and is not checked.
func verifyFolder(ctx context.Context, folder string) error {
	blockMap, err := openFile(filepath.Join(folder, msix.BlockMapName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return notInstalled(folder, err.Error(), "")
	}
	if err := blockMap.Close(); err != nil {
		return err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	return msix.VerifyFolder(ctx, root.FS())
}

// contentOf identifies the state of a folder by its manifest, whose hash is in sum, and
// by the times and sizes of its programs.
func contentOf(sum hash.Hash, p task.Package) (string, error) {
	for _, s := range p.Servers {
		info, err := os.Stat(s.Executable)
		if err != nil {
			return "", notInstalled(p.Folder, err.Error(), "")
		}
		fmt.Fprintf(sum, "%q %d %d\n", s.Executable, info.Size(), info.ModTime().UnixNano())
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

//go:build linux

package packages

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/manifest"
	"github.com/bgtask/bgtask/msix"
	"github.com/bgtask/bgtask/task"
)

// spare is how many bytes an installation leaves free on the file system. A full one
// would end the broker, which has its state there too.
const spare = 64 << 20

// unfinished is the prefix of folders that are being extracted. No full name has it.
const unfinished = ".new-"

// packageFile is a package file that was opened and verified.
type packageFile struct {
	path     string
	reader   *msix.Reader
	manifest *manifest.Manifest
	signer   string
}

// openPackage opens a package file and checks all of it: structure, signature, signer,
// every block.
func openPackage(ctx context.Context, path string, file *os.File, trustDir string, unsigned bool) (*packageFile, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	reader, err := msix.Open(file, info.Size())
	if err != nil {
		return nil, err
	}
	m, err := reader.Manifest()
	if err != nil {
		return nil, err
	}
	f := &packageFile{path: path, reader: reader, manifest: m}
	if !runsHere(m.Identity.Architecture) {
		return nil, notInstalled(path, "the package is for "+m.Identity.Architecture+", but this machine is "+architectures[runtime.GOARCH][0],
			"use the package for this machine")
	}
	roots, err := trustedRoots(trustDir)
	if err != nil {
		return nil, err
	}
	signature, err := reader.Verify(ctx, msix.Policy{Roots: roots, AllowUnsigned: unsigned})
	if err != nil {
		return nil, err
	}
	if signature != nil {
		f.signer = signature.Publisher
	}
	return f, nil
}

// architectures are those of the packages that a machine can run, its own first.
var architectures = map[string][]string{
	"amd64": {"x64", "x86"}, "386": {"x86"}, "arm64": {"arm64", "arm"}, "arm": {"arm"},
}

func runsHere(architecture string) bool {
	known, ok := architectures[runtime.GOARCH]
	if !ok || architecture == "" || architecture == "neutral" {
		return true
	}
	for _, a := range known {
		if a == architecture {
			return true
		}
	}
	return false
}

// identity is what the engine needs to decide whether the package may be installed.
func (f *packageFile) identity() task.Package {
	id := f.manifest.Identity
	return task.Package{Family: id.FamilyName(), Name: id.Name, Publisher: id.Publisher, Version: id.Version,
		Origin: task.OriginFile, Content: f.reader.Digest(), Signer: f.signer}
}

// unpack extracts the package into its place in dir, and describes it as it is there.
func (f *packageFile) unpack(ctx context.Context, dir string) (task.Package, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return task.Package{}, err
	}
	if err := f.fits(dir); err != nil {
		return task.Package{}, err
	}
	fresh := filepath.Join(dir, unfinished+rand.Text())
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return task.Package{}, err
	}
	place, err := f.place(dir)
	if err == nil {
		err = f.extract(ctx, fresh)
	}
	if err == nil {
		_, err = f.described(fresh) // checks that each class server has a program
	}
	if err == nil {
		err = moveDurably(fresh, place)
	}
	if err != nil {
		return task.Package{}, errors.Join(err, removeTree(fresh))
	}
	return f.described(place)
}

// fits returns an error when the file system has too little room.
func (f *packageFile) fits(dir string) error {
	var need uint64 = spare
	for _, file := range f.reader.Files() {
		need += uint64(file.Size) + 4096
	}
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return err
	}
	if free := st.Bavail * uint64(st.Bsize); free < need {
		return &task.Error{Op: "install", Subject: f.path, Err: task.ErrLimit,
			Detail: fmt.Sprintf("it needs %d MiB on the file system of %s, including what has to stay free there, but only %d MiB are free", need>>20, dir, free>>20),
			Hint:   "free some space there"}
	}
	return nil
}

// place returns a new folder with the package's full name. If an earlier folder of that
// name is still in use, a number follows.
func (f *packageFile) place(dir string) (string, error) {
	name := filepath.Join(dir, f.manifest.Identity.FullName())
	place := name
	for n := 2; n < math.MaxInt16; n++ {
		if _, err := os.Lstat(place); errors.Is(err, fs.ErrNotExist) {
			return place, nil
		} else if err != nil {
			return "", err
		}
		place = name + again + strconv.Itoa(n)
	}
	return "", fmt.Errorf("%s: too many folders of this name are still in use", name)
}

func (f *packageFile) extract(ctx context.Context, folder string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.reader.Extract(ctx, root), root.Close())
}

// described returns the package as it is in folder.
func (f *packageFile) described(folder string) (task.Package, error) {
	p, err := f.manifest.Package(folder, resolver(folder))
	p.Origin, p.Content, p.Signer = task.OriginFile, f.reader.Digest(), f.signer
	if f.signer == "" {
		p.Warnings = append(p.Warnings, "it is not signed, so its publisher is not verified")
	}
	return p, err
}

// moveDurably renames a folder after everything in it was written to the disk.
func moveDurably(from, to string) error {
	dir, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := unix.Syncfs(int(dir.Fd())); err != nil {
		return fmt.Errorf("flush %s to the disk: %w", from, err)
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return dir.Sync()
}

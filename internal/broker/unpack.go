//go:build linux

package broker

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

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/manifest"
	"github.com/bgtask/bgtask/msix"
	"github.com/bgtask/bgtask/task"
)

// spare is what an installation leaves free on the file system: a full one would
// end the broker, whose state is there too.
const spare = 64 << 20

// unfinished begins the names of folders that are being extracted. No full name
// begins so.
const unfinished = ".new-"

// packageFile is one that was opened and believed.
type packageFile struct {
	path     string
	reader   *msix.Reader
	manifest *manifest.Manifest
	signer   string
}

// installFile installs a package file. Nothing of it is written before all of it was
// checked. It is extracted beside its place and renamed into it, so that a broker
// which is killed leaves either no version or a whole one; what it leaves beside is
// swept by the next.
func (b *broker) installFile(ctx context.Context, path string, r wire.InstallRequest) (wire.Installed, error) {
	file, err := openFile(path)
	if err != nil {
		return wire.Installed{}, notInstalled(path, err.Error(), "")
	}
	defer file.Close()
	f, err := b.openPackage(ctx, path, file, r.AllowUnsigned)
	if err != nil {
		return wire.Installed{}, explainPackage(path, err)
	}
	ev := engine.Install{Request: requestID(r.Request), Package: f.identity(), Downgrade: r.AllowDowngrade}
	a, err := b.checkInstall(ctx, ev)
	if err != nil {
		return wire.Installed{}, err
	}
	if a.Change == engine.Unchanged {
		return b.installed(ctx, ev.Package, a)
	}
	free, err := b.alone(ctx)
	if err != nil {
		return wire.Installed{}, err
	}
	defer b.sweeper.hint() // what was refused at last does not stay
	defer free()
	p, err := b.unpack(ctx, f)
	if err != nil {
		return wire.Installed{}, explainPackage(path, err)
	}
	return b.admitPackage(ctx, r, p)
}

// openPackage opens a package file and checks all of it: structure, signature, that
// the publisher signed, every block.
func (b *broker) openPackage(ctx context.Context, path string, file *os.File, unsigned bool) (*packageFile, error) {
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
		return nil, notInstalled(path, "it is for "+m.Identity.Architecture+", and this machine is "+architectures[runtime.GOARCH][0],
			"take the package for this machine")
	}
	roots, err := trustedRoots(b.trustDir())
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

// architectures are a package's for a machine, its own first.
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

// identity is what the engine has to know to say whether it may be installed.
func (f *packageFile) identity() task.Package {
	id := f.manifest.Identity
	return task.Package{Family: id.FamilyName(), Name: id.Name, Publisher: id.Publisher, Version: id.Version,
		Origin: task.OriginFile, Content: f.reader.Digest(), Signer: f.signer}
}

// unpack extracts the package to its place and describes what is there.
func (b *broker) unpack(ctx context.Context, f *packageFile) (task.Package, error) {
	dir := b.versions
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
		_, err = f.described(fresh) // is there a program for each class server?
	}
	if err == nil {
		err = moveDurably(fresh, place)
	}
	if err != nil {
		return task.Package{}, errors.Join(err, removeTree(fresh))
	}
	return f.described(place)
}

// fits says no before the file system is full.
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
			Detail: fmt.Sprintf("it needs %d MiB on the file system of %s, with what has to stay free there; %d MiB are free", need>>20, dir, free>>20),
			Hint:   "make room there"}
	}
	return nil
}

// place is the folder with the package's full name, or with a number after it, when
// a process still lives in an earlier one of that name.
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
	return "", fmt.Errorf("%s: there are too many folders of this name", name)
}

func (f *packageFile) extract(ctx context.Context, folder string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.reader.Extract(ctx, root), root.Close())
}

// described is the package as it lies in folder.
func (f *packageFile) described(folder string) (task.Package, error) {
	p, err := f.manifest.Package(folder, resolver(folder))
	p.Origin, p.Content, p.Signer = task.OriginFile, f.reader.Digest(), f.signer
	if f.signer == "" {
		p.Warnings = append(p.Warnings, "it is not signed: nobody vouches that it is its publisher's")
	}
	return p, err
}

// moveDurably renames a folder when all in it is on the disk.
func moveDurably(from, to string) error {
	dir, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := unix.Syncfs(int(dir.Fd())); err != nil {
		return fmt.Errorf("write %s to the disk: %w", from, err)
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return dir.Sync()
}

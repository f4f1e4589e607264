//go:build linux

// Package debian makes directories that hold a Debian 13, for tests that need one. A
// directory is made once by debootstrap and kept in the user's cache, outside the
// checkout, where all clones find it. Its name is derived from its recipe. It is never
// changed: tests that write put an overlay on top of it.
package debian

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

const release = "trixie"

// Image describes how a directory is made.
type Image struct {
	Name     string
	Packages []string // what debootstrap adds to the minimal system
	Recipe   string   // the remaining work, done by sh in the directory
}

// Make returns the directory. It makes it unless it is in the cache, and reports that
// through say.
func (i Image) Make(ctx context.Context, say func(format string, args ...any)) (string, error) {
	cache, err := Cache()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, i.key())
	unlock, err := Lock(dir + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return dir, err
	}
	part := dir + ".part"
	if err := os.RemoveAll(part); err != nil {
		return "", err
	}
	say("making the image %s: this takes some minutes", dir)
	if err := i.make(ctx, part); err != nil {
		return "", err
	}
	return dir, os.Rename(part, dir)
}

func (i Image) key() string {
	sum := sha256.Sum256([]byte(strings.Join(i.Packages, ",") + i.Recipe))
	return fmt.Sprintf("%s-%s-%x", i.Name, release, sum[:6])
}

func (i Image) make(ctx context.Context, dir string) error {
	if err := run(ctx, "", "debootstrap", "--variant=minbase", "--include="+strings.Join(i.Packages, ","), release, dir, mirror(ctx)); err != nil {
		return err
	}
	if err := run(ctx, dir, "sh", "-euc", i.Recipe); err != nil {
		return fmt.Errorf("finishing the image: %w", err)
	}
	return nil
}

// Cache returns the directory for what tests make once and keep.
func Cache() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = "/var/cache"
	}
	dir = filepath.Join(dir, "bgtask")
	return dir, os.MkdirAll(dir, 0o755)
}

// Lock blocks until no other process holds the lock. The caller holds it until it calls
// unlock or exits.
func Lock(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { _ = file.Close() }, nil
}

// mirror returns the mirror of this machine's own packages, if the machine runs Debian.
func mirror(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN)/$(LABEL)", "Created-By: Packages").Output()
	if err == nil {
		for line := range strings.Lines(string(out)) {
			if uri, from, _ := strings.Cut(strings.TrimSpace(line), " "); from == "Debian/Debian" {
				return uri
			}
		}
	}
	return "http://deb.debian.org/debian"
}

func run(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", args[0], err, lastLines(out, 20))
	}
	return nil
}

func lastLines(out []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

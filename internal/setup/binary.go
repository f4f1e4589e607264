//go:build linux

package setup

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/bgtask/bgtask/task"
)

// plain paths need no quoting in a unit or a D-Bus file, whose rules differ.
var plain = regexp.MustCompile(`^/[A-Za-z0-9/._+-]+$`)

// Binary returns the path of this program for units to name. It prefers the name in
// PATH, which stays the same when a package manager replaces the file behind it. A
// program that will not stay where it is, such as one of 'go run', is refused.
func Binary() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	if found, err := exec.LookPath("bgtask"); err == nil && sameFile(found, path) {
		if path, err = filepath.Abs(found); err != nil {
			return "", err
		}
	}
	return path, lasting(path)
}

func lasting(path string) error {
	e := &task.Error{Op: "setup", Subject: path, Err: task.ErrInvalid}
	switch {
	case temporary(path):
		e.Detail = "this program is temporary: the units would name a file that goes away"
		e.Hint = "install it, with 'make install' for example, and run that"
	case !plain.MatchString(path):
		e.Detail = fmt.Sprintf("a unit cannot name this path: only letters, digits and %q are possible", "/._+-")
		e.Hint = "copy the program to another directory, ~/.local/bin for example, and run that"
	default:
		return nil
	}
	return e
}

// temporary reports whether path is where go run builds programs, or in a directory
// that does not survive a reboot.
func temporary(path string) bool {
	if strings.Contains(path, "/go-build") || strings.HasSuffix(path, " (deleted)") {
		return true
	}
	for _, dir := range []string{os.TempDir(), "/tmp", "/var/tmp", "/dev", "/proc", "/run"} {
		if strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/") {
			return true
		}
	}
	return false
}

func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	two, err := os.Stat(b)
	return err == nil && os.SameFile(one, two)
}

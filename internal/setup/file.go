//go:build linux

package setup

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/bgtask/bgtask/packaging"
)

// file is one installed file.
type file struct {
	path    string   // in the user's directories
	content string   // without the seal
	system  []string // where a distribution package installs it
}

const (
	serviceName = "bgtask.service"
	socketName  = "bgtask.socket"
	busName     = "io.github.bgtask.Broker.service"
)

// unitFiles returns the units and the D-Bus activation file. They belong together:
// when a package has installed one of them, none is written.
func (s *Setup) unitFiles() []file {
	units := []string{"etc/systemd/user", "usr/local/lib/systemd/user", "usr/lib/systemd/user", "lib/systemd/user"}
	services := []string{"usr/local/share/dbus-1/services", "usr/share/dbus-1/services"}
	started := strings.ReplaceAll(packaging.Service, packaging.BinaryPath, s.Binary)
	called := strings.ReplaceAll(packaging.BusService, packaging.BinaryPath, s.Binary)
	return []file{
		{filepath.Join(s.Config, "systemd/user", serviceName), started, s.in(units, serviceName)},
		{filepath.Join(s.Config, "systemd/user", socketName), packaging.Socket, s.in(units, socketName)},
		{filepath.Join(s.Data, "dbus-1/services", busName), called, s.in(services, busName)},
	}
}

// completionFiles returns the completions of every shell, each where its shell looks
// for those of a user. Zsh has no such place by itself.
func (s *Setup) completionFiles() ([]file, error) {
	places := []struct {
		shell, path string
		system      []string
	}{
		{"bash", filepath.Join(s.Data, "bash-completion/completions/bgtask"), []string{"usr/share/bash-completion/completions/bgtask"}},
		{"zsh", filepath.Join(s.Data, "zsh/site-functions/_bgtask"), []string{"usr/share/zsh/vendor-completions/_bgtask", "usr/share/zsh/site-functions/_bgtask"}},
		{"fish", filepath.Join(s.Config, "fish/completions/bgtask.fish"), []string{"usr/share/fish/vendor_completions.d/bgtask.fish"}},
	}
	var all []file
	for _, p := range places {
		var script bytes.Buffer
		if err := s.Completion(p.shell, &script); err != nil {
			return nil, fmt.Errorf("completion for %s: %w", p.shell, err)
		}
		for i := range p.system {
			p.system[i] = filepath.Join(s.Root, p.system[i])
		}
		all = append(all, file{p.path, script.String(), p.system})
	}
	return all, nil
}

func (s *Setup) in(dirs []string, name string) []string {
	var all []string
	for _, dir := range dirs {
		all = append(all, filepath.Join(s.Root, dir, name))
	}
	return all
}

// packaged returns the system-wide copy of a file, or "".
func (f file) packaged() string {
	for _, path := range f.system {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

// seal is the start of the last line of every installed file.
const seal = "# Written by bgtask setup. It replaces and removes this file unless it was edited: "

func sealed(content string) string {
	if !strings.HasSuffix(content, "\n") {
		content += "\n"
	}
	return fmt.Sprintf("%s%s%x\n", content, seal, sha256.Sum256([]byte(content)))
}

// state is what is at the path of a file.
type state int

const (
	absent  state = iota
	ours          // current
	stale         // of another version of bgtask, or for another binary
	foreign       // written or edited by other means
)

func (f file) state() (state, error) {
	data, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return absent, nil
	}
	if err != nil {
		return 0, err
	}
	content, _, found := strings.Cut(string(data), seal)
	switch {
	case string(data) == sealed(f.content):
		return ours, nil
	case found && string(data) == sealed(content):
		return stale, nil
	}
	return foreign, nil
}

func (f file) write() error {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
		return err
	}
	return renameio.WriteFile(f.path, []byte(sealed(f.content)), 0o644)
}

func anyPackaged(all []file) string {
	if i := slices.IndexFunc(all, func(f file) bool { return f.packaged() != "" }); i >= 0 {
		return all[i].packaged()
	}
	return ""
}

//go:build linux

package rpc

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/bgtask/bgtask/internal/broker/packages"
	"github.com/bgtask/bgtask/task"
)

func TestSandboxes(t *testing.T) {
	file := filepath.Join(t.TempDir(), ".flatpak-info")
	for text, want := range map[string]string{
		"[Application]\nname=org.gnome.Maps\nruntime=x\n":               "org.gnome.Maps",
		"[Instance]\nname=no\n[Application]\nname=org.gnome.Maps\n":     "org.gnome.Maps",
		"[Runtime]\nname=org.gnome.Sdk\n":                               "org.gnome.Sdk",
		"an unknown format":                                             "flatpak",
		"[Context]\nshared=network;\n[Application]\nname=a.b.c\nname=d": "a.b.c",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := flatpakID(file); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := flatpakID(file + "-missing"); got != "" {
		t.Errorf("no sandbox: %q", got)
	}
	for label, want := range map[string]string{"snap.firefox.geckodriver (enforce)\n": "snap.firefox", "unconfined\n": "", "": ""} {
		if got := snapName(label); got != want {
			t.Errorf("%q: %q, want %q", label, got, want)
		}
	}
}

func TestASandboxedProgramIsNotTheUser(t *testing.T) {
	if _, err := userOf(packages.Program{Sandbox: "org.gnome.Maps"}); !errors.Is(err, task.ErrAccessDenied) {
		t.Errorf("a sandboxed program: %v", err)
	}
	if o, err := userOf(packages.Program{Executable: "/usr/bin/bgtask"}); err != nil || o.Family != task.CommandPackage {
		t.Errorf("the command line: %+v, %v", o, err)
	}
}

//go:build linux

package e2e

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// Package msix tests every kind of hostile package file. These tests pass some of them
// through the real command line. A refused file must leave nothing behind, inside or
// outside.
func TestHostilePackageFiles(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	w.families() // the broker that answers has created all its sockets
	ann := w.publisher("Ann")
	w.do("trust", ann.certificate)
	folder := script("Tool", "1.0.0.0", ann, "content")
	folder["aa/bb/evil.png"] = &fstest.MapFile{Data: []byte("stored, so that its bytes can be found")}
	good, err := os.ReadFile(w.pack("good.msix", folder, ann))
	if err != nil {
		t.Fatal(err)
	}
	end := bytes.LastIndex(good, []byte("PK\x05\x06"))
	inPlace := func(old, new string) []byte { return bytes.ReplaceAll(good, []byte(old), []byte(new)) }
	for name, test := range map[string]struct {
		data  []byte
		words string
	}{
		"empty":             {nil, "too small"},
		"some-text":         {[]byte("hello"), "too small"},
		"half":              {good[:len(good)/2], "truncated"},
		"cut":               {good[:len(good)-1], "truncated"},
		"junk-behind":       {append(good[:len(good):len(good)], "junk"...), "data after the end record"},
		"two-ends":          {append(good[:len(good):len(good)], good[end:]...), "end record"},
		"changed-content":   {inPlace("stored, so that", "Stored, so that"), "changed after the package was signed"},
		"traversal":         {inPlace("aa/bb/evil.png", "../../evil.png"), "which is not allowed"},
		"absolute":          {inPlace("aa/bb/evil.png", "/tmp/aaa-evil."), "is absolute"},
		"a-device":          {inPlace("aa/bb/evil.png", "aa/bb/con.pngx"), "device"},
		"a-fold-duplicate":  {inPlace("aa/bb/evil.png", "DATA/Hello.txt"), "differs only in case"},
		"a-symbolic-link":   {linked(good, "aa/bb/evil.png"), "symbolic link"},
		"no-signature-part": {inPlace("AppxSignature.p7x", "AppxSignature.p7y"), "not listed in the block map"},
	} {
		t.Run(name, func(t *testing.T) {
			if bytes.Equal(test.data, good) {
				t.Fatal("the file equals the good one")
			}
			path := w.write(name+".msix", string(test.data))
			before := w.files()
			stdout, stderr, code := w.bgtask("install", path)
			if code == 0 || !strings.HasPrefix(stderr, "bgtask: install: "+path) || !strings.Contains(stderr, test.words) {
				t.Errorf("exit %d: %s%s", code, stdout, stderr)
			}
			if after := w.files(); !slices.Equal(before, after) {
				t.Errorf("files were changed: %s", changes(before, after))
			}
		})
	}
	if made, _ := filepath.Glob("/tmp/*evil*"); len(made) > 0 {
		t.Errorf("files were written outside: %v", made)
	}
	w.refused(2, "neither a folder nor a regular file", "install", w.pipe("pipe.msix"))
	if len(w.families()) != 0 {
		t.Error("a package is installed")
	}
	w.do("install", w.path("good.msix"))
}

// linked turns a file into a symbolic link, as Unix represents it in the directory of
// an archive.
func linked(archive []byte, name string) []byte {
	b := bytes.Clone(archive)
	for i := 0; ; {
		at := bytes.Index(b[i:], []byte("PK\x01\x02"))
		if at < 0 {
			return b
		}
		i += at
		if bytes.HasPrefix(b[i+46:], []byte(name)) {
			b[i+5] = 3 // created on Unix
			b[i+40], b[i+41] = 0xff, 0xa1
		}
		i += 4
	}
}

func (w *world) pipe(rel string) string {
	w.t.Helper()
	w.gate(rel)
	return w.path(rel)
}

// If the file system is full a package is refused, and neither the broker nor the
// installed packages are harmed.
func TestAFullDisk(t *testing.T) {
	t.Parallel()
	w, inside := nsWorld(t)
	if !inside {
		return
	}
	if err := os.MkdirAll(w.state(), 0o700); err != nil {
		t.Fatal(err)
	}
	const inodes = 150 // the broker needs some of them
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=80m,nr_inodes=%d", inodes), "tmpfs", w.state()).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("umount", "-l", w.state()).Run() })
	w.start()
	ann := w.publisher("Ann")
	w.do("trust", ann.certificate)
	w.do("install", w.pack("small.msix", script("Tool", "1.0.0.0", ann, "small"), ann))

	large := script("Tool", "2.0.0.0", ann, "large")
	noise := make([]byte, 30<<20)
	rand.Read(noise)
	large["data/noise.png"] = &fstest.MapFile{Data: noise}
	file := w.pack("large.msix", large, ann)
	w.refused(1, "MiB are free", "install", file)

	many := script("Tool", "3.0.0.0", ann, "many")
	for i := range inodes {
		many[fmt.Sprintf("data/%d.txt", i)] = &fstest.MapFile{Data: []byte("one more")}
	}
	w.refused(1, "no space left on device", "install", w.pack("many.msix", many, ann))
	if p := w.packages()["Tool"]; p.Version != "1.0.0.0" {
		t.Errorf("%s is installed", p.Version)
	}
	w.do("install", w.pack("next.msix", script("Tool", "1.1.0.0", ann, "next"), ann))
	w.awaitFolders("Tool_1.1.0.0_")
	if !w.broker.alive() {
		t.Error("the broker ended")
	}
}

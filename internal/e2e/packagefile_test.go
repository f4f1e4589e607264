//go:build linux

package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/msix"
	"github.com/bgtask/bgtask/task"
)

// publisher signs package files.
type publisher struct {
	name        string // CN=Tests
	signer      *msix.Signer
	certificate string // its path
}

// publisher creates a publisher with a self-signed certificate.
func (w *world) publisher(name string) *publisher {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		w.t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		w.t.Fatal(err)
	}
	path := w.write(name+".pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	return &publisher{"CN=" + name, &msix.Signer{Key: key, Certificate: certificate}, path}
}

// script returns a package whose program is a shell script. Nothing of it is run.
func script(name, version string, by *publisher, content string) fstest.MapFS {
	class := fmt.Sprintf(serverText, "serve", fmt.Sprintf("              <com:Class Id=\"%s\" DisplayName=\"class\"/>\n", manyClass))
	text := strings.NewReplacer("1.0.0.0", version, "CN=Tests", by.name).Replace(fmt.Sprintf(manifestText, name, class))
	return fstest.MapFS{
		"AppxManifest.xml": {Data: []byte(text)},
		"logo.png":         {Data: []byte("a picture")},
		"app":              {Data: []byte("#!/bin/sh\n# " + content + "\n")},
		"data/hello.txt":   {Data: []byte(content)},
	}
}

// pack makes a package file, unsigned without a publisher.
func (w *world) pack(rel string, folder fs.FS, by *publisher) string {
	w.t.Helper()
	var b bytes.Buffer
	o := msix.Options{}
	if by != nil {
		o.Signer = by.signer
	}
	if err := msix.Pack(w.t.Context(), &b, folder, o); err != nil {
		w.t.Fatal(err)
	}
	return w.write(rel, b.String())
}

// files returns the path and size of every file in the world, except for those that
// change all the time: the store and logs.
func (w *world) files() []string {
	w.t.Helper()
	var all []string
	err := filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(path, w.dir)
		if !d.IsDir() && !strings.Contains(rel, "/store") && !strings.HasSuffix(rel, ".log") && !strings.Contains(rel, "/watched/") {
			info, err := d.Info()
			if err != nil {
				return err
			}
			all = append(all, fmt.Sprint(rel, " ", info.Size()))
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// refused runs a command that bgtask must refuse, and checks its message. No file may
// change.
func (w *world) refused(code int, words string, args ...string) {
	w.t.Helper()
	before := w.files()
	stdout, stderr, got := w.bgtask(args...)
	if got != code || !strings.Contains(stderr, words) || !strings.Contains(stderr, "hint:") && code == 4 {
		w.t.Errorf("bgtask %s: exit %d, expected %d and %q\n%s%s", strings.Join(args, " "), got, code, words, stdout, stderr)
	}
	if after := w.files(); !slices.Equal(before, after) {
		w.t.Errorf("bgtask %s: refused, but files were changed: %s", strings.Join(args, " "), changes(before, after))
	}
}

// awaitFiles waits until exactly these files are there.
func (w *world) awaitFiles(want []string) {
	w.t.Helper()
	var now []string
	for end := time.Now().Add(patience / 3); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if now = w.files(); slices.Equal(now, want) {
			return
		}
	}
	w.t.Fatalf("a trace is left:%s", changes(want, now))
}

func changes(before, after []string) string {
	var b strings.Builder
	for _, f := range after {
		if !slices.Contains(before, f) {
			b.WriteString("\n  + " + f)
		}
	}
	for _, f := range before {
		if !slices.Contains(after, f) {
			b.WriteString("\n  - " + f)
		}
	}
	return b.String()
}

func (w *world) said(words, out string) {
	w.t.Helper()
	if !strings.Contains(out, words) {
		w.t.Errorf("expected %q:\n%s", words, out)
	}
}

func TestPackageFiles(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	ann := w.publisher("Ann")
	one := w.pack("one.msix", script("Tool", "1.0.0.0", ann, "one"), ann)
	w.do("add", "warm", "--on", "event:x", "--", "true") // the store and its copies exist now
	w.do("remove", "warm")
	before := w.files()

	w.refused(4, "is not issued by a trusted authority", "install", one)
	w.said("CN=Ann: trusted until", w.do("trust", ann.certificate))
	w.said("CN=Ann", w.do("trust"))
	trusted := w.files()
	w.said(": installed 1.0.0.0, 1 class,", w.do("install", one))
	p := w.packages()["Tool"]
	if want := w.path("state/bgtask/installed/" + "Tool_1.0.0.0_neutral__" + strings.TrimPrefix(p.Family, "Tool_")); p.Folder != want || p.Signer != "CN=Ann" {
		t.Errorf("it is in %s, signed by %q, expected %s", p.Folder, p.Signer, want)
	}
	if info, err := os.Stat(p.Folder + "/app"); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("its program: %v, %v", info, err)
	}

	w.said("already installed 1.0.0.0; nothing changed", w.do("install", one))
	w.refused(1, "different content", "install", w.pack("other.msix", script("Tool", "1.0.0.0", ann, "other"), ann))
	w.refused(1, "is older", "install", w.pack("zero.msix", script("Tool", "0.9.0.0", ann, "zero"), ann))
	w.said("updated to 0.9.0.0", w.do("install", "--allow-downgrade", w.path("zero.msix")))
	w.said("updated to 2.0.0.0", w.do("install", w.pack("two.msix", script("Tool", "2.0.0.0", ann, "two"), ann)))
	w.awaitFolders("Tool_2.0.0.0_")

	bob := w.publisher("Bob")
	unsigned := w.pack("bob.msix", script("Tool", "1.0.0.0", bob, "bob's"), nil)
	w.refused(4, "not signed", "install", unsigned)
	w.said("installed 1.0.0.0", w.do("install", "--allow-unsigned", unsigned))
	w.awaitFolders("Tool_1.0.0.0_", "Tool_2.0.0.0_") // the package of another publisher belongs to another family

	for family := range w.families() {
		w.do("uninstall", family)
	}
	w.awaitFolders()
	for _, made := range []string{"other.msix", "zero.msix", "two.msix", "Bob.pem", "bob.msix"} {
		os.Remove(w.path(made))
	}
	w.awaitFiles(trusted)
	w.said("CN=Ann: no longer trusted", w.do("trust", "--remove", certificateDigits(w)))
	if after := w.files(); !slices.Equal(before, after) {
		t.Errorf("a trace is left: %s", changes(before, after))
	}
}

// certificateDigits returns the first digits of the fingerprint of the only trusted
// certificate.
func certificateDigits(w *world) string {
	fields := strings.Fields(w.do("trust"))
	return fields[len(fields)-1][:16]
}

// A broker that is killed while it installs leaves either no version or a complete one.
// Anything else that it leaves is removed soon.
func TestAKillWhileAPackageIsInstalled(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	ann := w.publisher("Ann")
	w.do("trust", ann.certificate)
	folder := func(n int) fstest.MapFS {
		f := script("Tool", fmt.Sprintf("1.0.%d.0", n), ann, "x")
		for i := range 200 {
			noise := make([]byte, 30_000)
			rand.Read(noise)
			f[fmt.Sprintf("data/%d/%d.png", i%7, i)] = &fstest.MapFile{Data: noise}
		}
		return f
	}
	var there fstest.MapFS
	old := ""
	finished, taken := 0, 0
	for n := 1; n <= 13; n++ {
		next := folder(n)
		file := w.pack("next.msix", next, ann)
		over := make(chan error, 1)
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			_, err := w.user.Install(ctx, file, installing)
			over <- err
		}()
		place := fmt.Sprintf("Tool_1.0.%d.0_", n)
		if n > 11 {
			place = "-" // these are installed completely
		}
		w.awaitUnpacked(20*(n-1), place, over)
		w.crash()
		cancel()
		if <-over == nil {
			finished++
		}
		w.start()
		p := w.packages()["Tool"]
		switch p.Version {
		case fmt.Sprintf("1.0.%d.0", n):
			there, old = next, p.Version
			taken++
		case old:
		default:
			t.Errorf("version %q is installed, before it was %q", p.Version, old)
		}
		if old == "" {
			w.awaitFolders()
			continue
		}
		w.isWhole(p.Folder, there)
		w.awaitFolders("Tool_" + p.Version + "_")
	}
	t.Logf("%d of 13 were answered before the broker was killed, %d are installed", finished, taken)
}

// awaitUnpacked returns when this many files are extracted, the version is in its
// place, or the installation is over.
func (w *world) awaitUnpacked(files int, place string, over chan error) {
	w.t.Helper()
	eventually(w.t, "a package is being extracted", func() bool {
		n := 0
		_ = filepath.WalkDir(w.path("state/bgtask/installed"), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err == nil && strings.HasPrefix(d.Name(), place):
				n = files
				return fs.SkipAll
			case err == nil && !d.IsDir() && strings.Contains(path, "/.new-"):
				n++
			}
			return nil
		})
		return n > 0 && n >= files || len(over) > 0
	})
}

// isWhole checks that a folder has all files of a package, and no others.
func (w *world) isWhole(folder string, files fstest.MapFS) {
	w.t.Helper()
	n := 0
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		n++
		data, err := os.ReadFile(filepath.Join(folder, name))
		if err == nil && (files[name] == nil || !bytes.Equal(data, files[name].Data)) {
			err = fmt.Errorf("%s has different content", name)
		}
		return err
	})
	if err != nil || n != len(files) {
		w.t.Errorf("%s: %d files of %d: %v", folder, n, len(files), err)
	}
}

// An application that was open before the update continues in its own folder. It gets
// no more runs, not even from the next broker, and its folder is removed when it ends.
func TestAnOpenApplicationOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	ann := w.publisher("Ann")
	w.do("trust", ann.certificate)
	install := func(version string) task.Package {
		w.do("install", w.pack(version+".msix", script("Tool", version, ann, version), ann))
		p := w.packages()["Tool"]
		if err := os.Remove(p.Folder + "/app"); err != nil {
			t.Fatal(err)
		}
		w.program(p.Folder + "/app") // placed there afterwards, because it takes long to compress
		return p
	}
	p := install("1.0.0.0")
	old := w.command(p.Folder+"/app", "open")
	old.Env = append(old.Env, client.BinaryEnv+"=")
	app := w.openCmd(old)
	id := w.register(p.Family, event("work", "work", manyClass))
	e := w.watch()
	if run := e.runEnded(id, w.fire(id, ""), 1); run.PID != app.pid {
		t.Errorf("the open application did not get the run: %+v", run)
	}

	install("2.0.0.0")
	if run := e.runEnded(id, w.fire(id, ""), 1); run.PID == app.pid || run.Launch.IsZero() {
		t.Errorf("it ran in the application of the earlier version: %+v", run)
	}
	w.awaitFolders("Tool_1.0.0.0_", "Tool_2.0.0.0_")
	w.handOver()
	w.start()
	eventually(t, "the application is back", func() bool {
		return bytes.Count(w.brokerLog(), fmt.Appendf(nil, `msg="host attached" pid=%d package=%s`, app.pid, p.Family)) == 2
	})
	if run := e.runEnded(id, w.fire(id, ""), 1); run.PID == app.pid {
		t.Errorf("after a restart it ran in the application of the earlier version: %+v", run)
	}
	if _, err := os.Stat(p.Folder + "/app"); err != nil {
		t.Errorf("its folder is gone while it runs: %v", err)
	}
	app.kill(t)
	w.awaitFolders("Tool_2.0.0.0_")
}

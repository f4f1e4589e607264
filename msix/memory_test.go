package msix

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"testing/fstest"
	"time"

	"github.com/bgtask/bgtask/internal/needs"
)

const (
	largeSize = 300 << 20
	maxMemory = 64 << 20
	childJob  = "MSIX_TEST_JOB"
)

// largeFolder has a file of 300 MiB that is generated while it is read.
type largeFolder struct{ fstest.MapFS }

func (l largeFolder) Open(name string) (fs.File, error) {
	file, err := l.MapFS.Open(name)
	if err == nil && name == "large.bin" {
		return &largeFile{file, io.LimitReader(&pattern{}, largeSize)}, nil
	}
	return file, err
}

type largeFile struct {
	fs.File
	content io.Reader
}

func (l *largeFile) Read(b []byte) (int, error) { return l.content.Read(b) }

// pattern is half random and half zero, so it deflates to about half its size.
type pattern struct{ page int }

func (p *pattern) Read(b []byte) (int, error) {
	b = b[:min(len(b), 4096)]
	clear(b)
	if p.page++; p.page%2 == 0 {
		r := rand.New(rand.NewPCG(uint64(p.page), 0))
		for i := 0; i+8 <= len(b); i += 8 {
			le.PutUint64(b[i:], r.Uint64())
		}
	}
	return len(b), nil
}

// Pack, Verify and Extract process 300 MiB, each in a process whose peak memory
// the kernel reports.
func TestLargePackages(t *testing.T) {
	if job := os.Getenv(childJob); job != "" {
		runJob(t, job, os.Getenv("MSIX_TEST_DIR"))
		return
	}
	if raceDetector || testing.Short() {
		t.Skip("takes long, and the race detector needs memory itself; make test runs it without")
	}
	dir := t.TempDir()
	for _, job := range []string{"pack", "verify", "extract"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLargePackages$", "-test.v")
		cmd.Env = append(os.Environ(), childJob+"="+job, "MSIX_TEST_DIR="+dir)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", job, err, out)
		}
		peak := regexp.MustCompile(`peak=(\d+)`).FindSubmatch(out)
		if peak == nil {
			needs.Missing(t, "the peak memory of a process", needs.Kernel)
		}
		kib, err := strconv.Atoi(string(peak[1]))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d MiB", job, kib>>10)
		if kib<<10 > maxMemory {
			t.Errorf("%s took %d KiB, more than %d MiB", job, kib, maxMemory>>20)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "out", "large.bin"))
	if err != nil || info.Size() != largeSize {
		t.Errorf("the extracted file: %v, %v", info, err)
	}
}

func runJob(t *testing.T, job, dir string) {
	name := filepath.Join(dir, "large.msix")
	var err error
	switch job {
	case "pack":
		err = packLarge(t, name)
	case "verify":
		err = readLarge(t, name, func(p *Reader) error {
			certificate, err := os.ReadFile(name + ".pem")
			if err != nil {
				return err
			}
			roots := x509.NewCertPool()
			roots.AppendCertsFromPEM(certificate)
			_, err = p.Verify(context.Background(), Policy{Roots: roots})
			return err
		})
	case "extract":
		out := filepath.Join(dir, "out")
		if err := os.Mkdir(out, 0o700); err != nil {
			t.Fatal(err)
		}
		root, openErr := os.OpenRoot(out)
		if openErr != nil {
			t.Fatal(openErr)
		}
		defer func() { _ = root.Close() }()
		err = readLarge(t, name, func(p *Reader) error { return p.Extract(context.Background(), root) })
	}
	if err != nil {
		t.Fatal(err)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return
	}
	if peak := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status); peak != nil {
		fmt.Printf("peak=%s\n", peak[1])
	}
}

func packLarge(t *testing.T, name string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	who := contoso(t)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: who.certificate.Raw})
	if err := os.WriteFile(name+".pem", certificate, 0o600); err != nil {
		return err
	}
	folder := largeFolder{fstest.MapFS{
		manifestName: {Data: []byte(testManifest)},
		"large.bin":  {Data: nil},
	}}
	return Pack(context.Background(), file, folder, Options{Signer: who.signer()})
}

func readLarge(t *testing.T, name string, do func(*Reader) error) error {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	p, err := Open(file, info.Size())
	if err != nil {
		return err
	}
	return do(p)
}

// A canceled context stops every long operation.
func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Pack(ctx, io.Discard, testFolder(), Options{}); err == nil {
		t.Error("Pack succeeded")
	}
	who := contoso(t)
	b := packed(t, testFolder(), Options{Signer: who.signer(), Modified: time.Now()})
	p := opened(t, b)
	if _, err := p.Verify(ctx, Policy{Roots: who.roots()}); err == nil {
		t.Error("Verify succeeded")
	}
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	if err := p.Extract(ctx, root); err == nil {
		t.Error("Extract succeeded")
	}
	unsigned := packed(t, testFolder(), Options{})
	if err := Sign(ctx, io.Discard, bytes.NewReader(unsigned), int64(len(unsigned)), who.signer()); err == nil {
		t.Error("Sign succeeded")
	}
}

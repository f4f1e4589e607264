//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/bgtask/bgtask/manifest"
	"github.com/bgtask/bgtask/msix"
)

const packManifest = `<Package xmlns="http://schemas.microsoft.com/appx/manifest/foundation/windows10">
<Identity Name="Bench.Pack" Publisher="CN=Bench" Version="1.0.0.0"/>
<Properties><DisplayName>Bench</DisplayName><PublisherDisplayName>Bench</PublisherDisplayName><Logo>logo.png</Logo></Properties>
</Package>
`

// packing packs this binary, texts and noise, and lets zip and 7z do the same. Only a
// package is hashed block by block, and only its blocks can be read independently.
func packing(ctx context.Context, t *table, dir string, n rounds) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	folder := filepath.Join(dir, "folder")
	size, err := packInput(folder, n)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "bench.msix")
	ours, err := fastest(n.pack, func() error { return packOurs(ctx, file, folder) })
	if err != nil {
		return err
	}
	verify, err := fastest(n.pack, func() error { return verifyOurs(ctx, file) })
	if err != nil {
		return err
	}
	var beside []string
	for _, other := range []struct {
		name string
		args []string
	}{
		{"zip -9", []string{"zip", "-q", "-r", "-9", "../bench.zip", "."}},
		{"7z -tzip", []string{"7z", "a", "-tzip", "-bso0", "-bsp0", "../bench.7z.zip", "."}},
	} {
		beside = append(beside, other.name+" "+packOthers(ctx, folder, other.args, ours, size, n))
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	t.row("pack a folder into an .msix", rate(size, ours, info.Size()), "", strings.Join(beside, "; "))
	t.row("verify it", fmt.Sprintf("%s, %.0f MB/s", short(verify), perSecond(size, verify)), "", fmt.Sprintf("%.1f times as fast as packing", ours.Seconds()/verify.Seconds()))
	return nil
}

// packInput creates the directory: programs, text, and data that does not compress.
func packInput(folder string, n rounds) (size int64, err error) {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	program, err := os.ReadFile(self)
	if err != nil {
		return 0, err
	}
	noise := make([]byte, 4<<20)
	r := rand.NewChaCha8([32]byte{})
	if _, err := r.Read(noise); err != nil {
		return 0, err
	}
	files := map[string][]byte{manifest.FileName: []byte(packManifest), "logo.png": noise[:10_000], "noise.bin": noise}
	for i := range n.packFiles {
		files[fmt.Sprintf("program%d.exe", i)] = program
		files[fmt.Sprintf("text%d.txt", i)] = []byte(strings.Repeat(fmt.Sprintf("line %d of a text that is like others\n", i), 20_000))
	}
	for name, data := range files {
		size += int64(len(data))
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			return 0, err
		}
	}
	return size, nil
}

func packOurs(ctx context.Context, name, folder string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	return msix.Pack(ctx, file, os.DirFS(folder), msix.Options{})
}

func verifyOurs(ctx context.Context, name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	p, err := msix.Open(file, size)
	if err != nil {
		return err
	}
	_, err = p.Verify(ctx, msix.Policy{AllowUnsigned: true})
	return err
}

// packOthers returns the time that another packer takes, and its ratio to ours.
func packOthers(ctx context.Context, folder string, args []string, ours time.Duration, size int64, n rounds) string {
	out := filepath.Join(folder, args[len(args)-2])
	took, err := fastest(n.pack, func() error {
		if err := os.RemoveAll(out); err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Dir = folder
		return cmd.Run()
	})
	if err != nil {
		return "is not installed"
	}
	info, err := os.Stat(out)
	if err != nil {
		return "made nothing"
	}
	return fmt.Sprintf("%s (%.1f times ours)", rate(size, took, info.Size()), took.Seconds()/ours.Seconds())
}

func rate(size int64, took time.Duration, packed int64) string {
	return fmt.Sprintf("%.0f MB/s to %.0f%%", perSecond(size, took), 100*float64(packed)/float64(size))
}

func perSecond(size int64, took time.Duration) float64 { return float64(size) / 1e6 / took.Seconds() }

// fastest returns the shortest of n durations. The longer ones were disturbed.
func fastest(n int, call func() error) (time.Duration, error) {
	best := time.Duration(0)
	for range n {
		began := time.Now()
		if err := call(); err != nil {
			return 0, err
		}
		if took := time.Since(began); best == 0 || took < best {
			best = took
		}
	}
	return best, nil
}

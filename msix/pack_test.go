package msix

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"
)

func TestPackedFilesComeBack(t *testing.T) {
	folder := testFolder()
	b := packed(t, folder, Options{})
	p := opened(t, b)
	if _, err := p.Verify(context.Background(), Policy{}); !errors.Is(err, ErrUnsigned) {
		t.Fatalf("an unsigned package: %v", err)
	}
	if s, err := p.Verify(context.Background(), Policy{AllowUnsigned: true}); s != nil || err != nil {
		t.Fatalf("an unsigned package with AllowUnsigned: %v, %v", s, err)
	}
	dir := t.TempDir()
	extract(t, p, dir)
	seen := 0
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		seen++
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if folder[name] == nil || !bytes.Equal(got, folder[name].Data) {
			t.Errorf("%s has other content", name)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o644)
		if name == "App.exe" || name == "bin/tool" || name == "bin/native" {
			want = 0o755
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", name, info.Mode(), want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen != len(folder) || len(p.Files()) != len(folder) {
		t.Errorf("%d files extracted, %d in the package, want %d", seen, len(p.Files()), len(folder))
	}
}

func extract(t testing.TB, p *Reader, dir string) {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	if err := p.Extract(context.Background(), root); err != nil {
		t.Fatal(err)
	}
}

func TestSameFolderSameBytes(t *testing.T) {
	when := time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC)
	one, two := packed(t, testFolder(), Options{Modified: when}), packed(t, testFolder(), Options{Modified: when})
	if !bytes.Equal(one, two) {
		t.Error("the same folder and time made different bytes")
	}
	if bytes.Equal(one, packed(t, testFolder(), Options{})) {
		t.Error("the time is not in the package")
	}
	signer := contoso(t).signer()
	if !bytes.Equal(packed(t, testFolder(), Options{Signer: signer}), packed(t, testFolder(), Options{Signer: signer})) {
		t.Error("the same RSA key made different signatures")
	}
}

func TestFoldersThatAreNotPacked(t *testing.T) {
	for name, c := range map[string]struct {
		change func(fstest.MapFS)
		want   error
	}{
		"no manifest":      {func(f fstest.MapFS) { delete(f, manifestName) }, ErrMissing},
		"bad manifest":     {func(f fstest.MapFS) { f[manifestName] = &fstest.MapFile{Data: []byte("<Package/>")} }, ErrManifest},
		"device":           {add("sub/nul.txt"), ErrName},
		"device port":      {add("COM1"), ErrName},
		"device space":     {add("aux .txt"), ErrName},
		"colon":            {add("a:b"), ErrName},
		"star":             {add("a*b"), ErrName},
		"backslash":        {add(`a\b`), ErrName},
		"control":          {add("a\tb"), ErrName},
		"delete":           {add("a\x7fb"), ErrName},
		"dot at the end":   {add("a."), ErrName},
		"space at the end": {add("a "), ErrName},
		"not UTF-8":        {add("a\xff"), ErrName},
		"case":             {add("LOGO.png"), ErrDuplicate},
		"case of umlauts":  {add("grüße/öL & essig.TXT"), ErrDuplicate},
		"block map":        {add(blockMapName), ErrName},
		"content types":    {add("[content_types].xml"), ErrName},
		"signature":        {add("appxsignature.P7X"), ErrName},
		"other manifest":   {add("appxmanifest.xml"), ErrName},
		"metadata":         {add("appxmetadata/x"), ErrName},
		"Windows' own":     {add("Microsoft.System.Package.Metadata/x"), ErrName},
		"link":             {func(f fstest.MapFS) { f["l"] = &fstest.MapFile{Mode: fs.ModeSymlink} }, ErrLink},
	} {
		t.Run(name, func(t *testing.T) {
			folder := testFolder()
			c.change(folder)
			var b bytes.Buffer
			err := Pack(context.Background(), &b, folder, Options{})
			if !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if b.Len() > 0 {
				t.Error("Pack wrote something")
			}
		})
	}
}

func add(name string) func(fstest.MapFS) {
	return func(f fstest.MapFS) { f[name] = &fstest.MapFile{Data: []byte("x")} }
}

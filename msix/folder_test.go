package msix

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"testing"
	"testing/fstest"
)

// unpacked returns the unpacked package of testFolder, including its block map.
func unpacked(t *testing.T) (fstest.MapFS, *Reader) {
	t.Helper()
	var b bytes.Buffer
	if err := Pack(t.Context(), &b, testFolder(), Options{}); err != nil {
		t.Fatal(err)
	}
	p, err := Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	if err := p.Extract(t.Context(), root); err != nil {
		t.Fatal(err)
	}
	text, err := p.whole(p.byName[blockMapName], MaxBlockMap)
	if err != nil {
		t.Fatal(err)
	}
	folder := fstest.MapFS{blockMapName: {Data: text}}
	for name := range testFolder() {
		data, err := root.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		folder[name] = &fstest.MapFile{Data: data}
	}
	return folder, p
}

func TestVerifyFolder(t *testing.T) {
	folder, _ := unpacked(t)
	if err := VerifyFolder(t.Context(), folder); err != nil {
		t.Fatal(err)
	}
	file := func(data []byte) *fstest.MapFile { return &fstest.MapFile{Data: data} }
	block := folder["data/block.bin"].Data
	changed := append([]byte(nil), block...)
	changed[100]++
	for name, test := range map[string]struct {
		path string
		file *fstest.MapFile
		want error
	}{
		"a changed byte":    {"data/block.bin", file(changed), ErrContent},
		"one byte less":     {"data/block.bin", file(block[1:]), ErrContent},
		"a byte more":       {"data/block.bin", file(append(block[:len(block):len(block)], 0)), ErrContent},
		"an empty one more": {"data/empty", file([]byte{0}), ErrContent},
		"a file more":       {"evil", file(nil), ErrContent},
		"a link":            {"App.exe", &fstest.MapFile{Mode: os.ModeSymlink, Data: []byte("/bin/sh")}, ErrLink},
		"no file":           {"deep/er/and/deeper.md", nil, ErrMissing},
		"another manifest":  {manifestName, file([]byte("<Package/>")), ErrContent},
		"no block map":      {blockMapName, file([]byte("<BlockMap/>")), ErrBlockMap},
	} {
		t.Run(name, func(t *testing.T) {
			bad := maps.Clone(folder)
			bad[test.path] = test.file
			if test.file == nil {
				delete(bad, test.path)
			}
			if err := VerifyFolder(t.Context(), bad); !errors.Is(err, test.want) {
				t.Errorf("%v, expected %v", err, test.want)
			}
		})
	}
}

// The digest depends on the content of the files, but not on the signature.
func TestDigest(t *testing.T) {
	_, p := unpacked(t)
	_, again := unpacked(t)
	other := testFolder()
	other["App.exe"].Data[0]++
	var b bytes.Buffer
	if err := Pack(t.Context(), &b, other, Options{}); err != nil {
		t.Fatal(err)
	}
	q, err := Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Digest()) != 64 || p.Digest() != again.Digest() || p.Digest() == q.Digest() {
		t.Errorf("digests %s, %s, %s", p.Digest(), again.Digest(), q.Digest())
	}
}

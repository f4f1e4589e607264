package msix

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

var fuzzFolder = fstest.MapFS{
	manifestName: {Data: []byte(testManifest)}, "App.exe": {Data: text(300)}, "a/b c.png": {Data: []byte("x")}, "empty": {},
}

// seeds returns valid packages for the fuzzer to start from: signed and unsigned,
// in both layouts.
func seeds(f *testing.F) (all [][]byte, who identity) {
	f.Helper()
	who = contoso(f)
	folder := fuzzFolder
	unsigned := packed(f, folder, Options{})
	narrow := forge(f, unsigned)
	narrow.narrow = true
	for _, p := range narrow.parts {
		if p.name == "App.exe" {
			p.flagless()
			p.local[18], p.local[19] = p.record[20], p.record[21]
		}
	}
	return [][]byte{unsigned, packed(f, folder, Options{Signer: who.signer()}), narrow.bytes()}, who
}

// FuzzOpen checks that packages accepted by Open have the documented properties.
func FuzzOpen(f *testing.F) {
	all, _ := seeds(f)
	for _, b := range all {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			typed(t, err)
			return
		}
		at := int64(0)
		seen := map[string]bool{}
		for _, part := range p.parts {
			if part.start != at || part.end > p.ends.offset {
				t.Fatalf("%s is at %d, but the previous part ends at %d", part.name, part.start, at)
			}
			at = part.end
			key := strings.ToLower(part.name)
			if seen[key] || part.name != contentTypesName && !filepath.IsLocal(part.name) || strings.ContainsAny(part.name, "\\:\x00") {
				t.Fatalf("a part is called %q", part.name)
			}
			seen[key] = true
		}
		if at != p.ends.offset || len(p.ManifestBytes()) == 0 {
			t.Fatal("there are bytes outside the parts, or the manifest is empty")
		}
	})
}

// FuzzVerify changes bytes in packages and puts them together again. Each edit
// has five bytes: part, piece of it, position (two bytes), and value. If a
// signature is accepted, the files must be those that were signed.
func FuzzVerify(f *testing.F) {
	all, who := seeds(f)
	f.Add(byte(0), []byte{})
	f.Add(byte(1), []byte{0, 0, 10, 0, 1, 1, 1, 0, 0, 7, 2, 3, 12, 0, 9})
	f.Add(byte(2), []byte{3, 1, 5, 0, 0x20, 4, 1, 0, 1, 0x80, 1, 2, 4, 0, 1})
	f.Fuzz(func(t *testing.T, which byte, edits []byte) {
		signed := which%3 == 1
		pieces := forge(t, all[which%3])
		for ; len(edits) >= 5; edits = edits[5:] {
			p := pieces.parts[int(edits[0])%len(pieces.parts)]
			piece := [][]byte{p.local, p.content, p.descriptor, p.record}[edits[1]%4]
			if at := int(le.Uint16(edits[2:])); at < len(piece) {
				piece[at] ^= edits[4]
			}
		}
		b := pieces.bytes()
		p, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			typed(t, err)
			return
		}
		if _, err := p.Verify(context.Background(), Policy{Roots: who.roots(), AllowUnsigned: !signed}); err != nil {
			typed(t, err)
			return
		}
		dir := t.TempDir()
		extract(t, p, dir) // a verified package can be extracted
		files := 0
		err = fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			files++
			got, err := os.ReadFile(filepath.Join(dir, name))
			if want := fuzzFolder[name]; err == nil && signed && (want == nil || !bytes.Equal(got, want.Data)) {
				t.Errorf("%s is not what was signed", name)
			}
			return err
		})
		if err != nil || files != len(p.Files()) {
			t.Fatalf("%d files extracted, %d in the package: %v", files, len(p.Files()), err)
		}
	})
}

// FuzzSignature parses arbitrary bytes as a signature.
func FuzzSignature(f *testing.F) {
	all, _ := seeds(f)
	p := opened(f, all[1])
	der, err := p.whole(p.byName[signatureName], MaxSignature)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(der[len(signatureMagic):])
	f.Fuzz(func(t *testing.T, der []byte) {
		c, problem := parseCMS(der)
		if problem != "" {
			return
		}
		if c.certificate == nil || c.hash == 0 {
			t.Fatal("parsed without a signer")
		}
		c.verify()
		parseStatement(c.content)
		readTimestamp(der, []byte("x"))
		_, _ = verifyTimestamp(c, Policy{}) // must not panic
	})
}

func typed(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) && !errors.Is(err, ErrManifest) {
		t.Fatalf("an error without a reason: %v", err)
	}
}

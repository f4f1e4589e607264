package msix

import (
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hostile are malicious packages, with the reason for which each is rejected.
var hostile = []struct {
	name  string
	want  error
	forge func(t *testing.T, f *forged)
}{
	{"traversal", ErrName, renamed("../../evil.txt")},
	{"traversal within", ErrName, renamed("bin/../../evil.txt")},
	{"encoded traversal", ErrName, renamed("%2e%2e/evil.txt")},
	{"encoded slash", ErrName, renamed("..%2fevil.txt")},
	{"encoded backslash", ErrName, renamed("..%5Cevil.txt")},
	{"backslash", ErrName, renamed(`..\evil.txt`)},
	{"absolute", ErrName, renamed("/etc/evil.txt")},
	{"drive letter", ErrName, renamed("C:/evil.txt")},
	{"encoded drive letter", ErrName, renamed("C%3A/evil.txt")},
	{"drive-relative", ErrName, renamed("C:evil.txt")},
	{"share", ErrName, renamed("//server/share/evil.txt")},
	{"stream", ErrName, renamed("App.exe:evil")},
	{"device", ErrName, renamed("nul")},
	{"device with extension", ErrName, renamed("bin/CON.txt")},
	{"device with extensions", ErrName, renamed("com1.tar.gz")},
	{"device port of a superscript", ErrName, renamed("COM%C2%B9")},
	{"NUL byte", ErrName, renamed("a%00b")},
	{"new line", ErrName, renamed("a%0Ab")},
	{"trailing dot", ErrName, renamed("evil.")},
	{"trailing space", ErrName, renamed("evil%20")},
	{"empty part", ErrName, renamed("a//b")},
	{"empty", ErrName, renamed("")},
	{"dot", ErrName, renamed("./evil")},
	{"folder", ErrName, renamed("evil/")},
	{"not UTF-8", ErrName, renamed("%ff")},
	{"not encoded", ErrName, renamed("\xc3\xbc")},
	{"half an escape", ErrName, renamed("a%4")},
	{"long part", ErrName, renamed(strings.Repeat("a", 256))},
	{"long name", ErrName, renamed(strings.Repeat("a/", 600) + "b")},
	{"in AppxMetadata", ErrName, renamed("APPXMETADATA/evil")},
	{"in Windows' folder", ErrName, renamed("Microsoft.System.Package.Metadata/evil")},

	{"twice", ErrDuplicate, func(_ *testing.T, f *forged) { f.clone("a b.txt") }},
	{"case", ErrDuplicate, func(_ *testing.T, f *forged) { f.clone("a b.txt").rename("A%20B.TXT") }},
	{"case of a manifest", ErrDuplicate, func(_ *testing.T, f *forged) { f.clone("a b.txt").rename("APPXMANIFEST.xml") }},
	{"spelling of an escape", ErrDuplicate, func(_ *testing.T, f *forged) { f.clone("a b.txt").rename("%61%20b.txt") }},
	{"file and folder", ErrDuplicate, func(_ *testing.T, f *forged) { f.clone("a b.txt").rename("a%20b.txt/c") }},
	{"folder and file", ErrDuplicate, func(_ *testing.T, f *forged) { f.clone("a b.txt").rename("BIN") }},

	{"symbolic link", ErrLink, attributed(0o120777 << 16)},
	{"folder by mode", ErrLink, attributed(0o040755 << 16)},
	{"device by mode", ErrLink, attributed(0o020666 << 16)},
	{"folder by attribute", ErrLink, attributed(0x10)},

	{"impossible size", ErrBomb, func(_ *testing.T, f *forged) {
		p := f.find("a b.txt")
		p.sizes(0, uint64(len(p.content)), 1<<30)
	}},
	{"grows a thousand times", ErrBomb, func(t *testing.T, f *forged) {
		for _, name := range []string{"a", "b", "c"} {
			p := f.clone("App.exe")
			p.rename(name)
			p.content = zeros(t)
			p.sizes(0, uint64(len(p.content)), bomb)
		}
	}},

	{"overlap", ErrOverlap, func(_ *testing.T, f *forged) {
		p := f.clone("a b.txt")
		p.rename("quine")
		p.stays = true
	}},
	{"content reaches into the next part", ErrOverlap, func(_ *testing.T, f *forged) {
		p := f.find("App.exe")
		p.flagless()
		le.PutUint32(p.record[20:], uint32(len(p.content))+10)
		le.PutUint32(p.local[18:], uint32(len(p.content))+10)
	}},
	{"content reaches into the directory", ErrOverlap, func(_ *testing.T, f *forged) {
		p := f.find(contentTypesName)
		p.flagless()
		le.PutUint32(p.record[20:], 1<<30)
		le.PutUint32(p.local[18:], 1<<30)
	}},
	{"bytes before the first part", ErrHidden, func(_ *testing.T, f *forged) { f.parts[0].before = []byte("#!/bin/sh\n") }},
	{"bytes between parts", ErrHidden, func(_ *testing.T, f *forged) { f.parts[3].before = []byte("hidden") }},
	{"bytes before the directory", ErrHidden, func(_ *testing.T, f *forged) { f.tail = []byte("hidden") }},
	{"bytes after the directory", ErrHidden, func(_ *testing.T, f *forged) { f.middle = []byte("hidden") }},
	{"junk after the end", ErrTrailing, func(_ *testing.T, f *forged) { f.after = []byte("junk") }},
	{"much junk after the end", ErrTrailing, func(_ *testing.T, f *forged) { f.after = make([]byte, 60_000) }},
	{"second end record", ErrTwoEnds, func(_ *testing.T, f *forged) { f.middle = narrowEnd(ends{}) }},
	{"second archive before", ErrTwoEnds, func(_ *testing.T, f *forged) { f.parts[0].before = narrowEnd(ends{}) }},
	{"second archive after", ErrTwoEnds, func(_ *testing.T, f *forged) { f.tail = narrowEnd(ends{}) }},
	{"end of another directory", ErrTwoEnds, func(_ *testing.T, f *forged) { f.after = narrowEnd(ends{0, 0, 0}) }},

	{"too many parts", ErrHeader, func(_ *testing.T, f *forged) { f.ends = func(e *ends) { e.count-- } }},
	{"too few parts", ErrHeader, func(_ *testing.T, f *forged) { f.ends = func(e *ends) { e.count++ } }},
	{"absurd count", ErrLimit, func(_ *testing.T, f *forged) { f.ends = func(e *ends) { e.count = 1 << 60 } }},
	{"absurd directory", ErrHeader, func(_ *testing.T, f *forged) { f.ends = func(e *ends) { e.size = -1 } }},
	{"directory elsewhere", ErrHidden, func(_ *testing.T, f *forged) { f.ends = func(e *ends) { e.offset -= 4 } }},
	{"another name in front", ErrHeader, func(_ *testing.T, f *forged) { f.find("a b.txt").local[localLen] = 'z' }},
	{"another size after", ErrHeader, func(_ *testing.T, f *forged) { f.find("a b.txt").descriptor[8]++ }},
	{"another size in front", ErrHeader, func(_ *testing.T, f *forged) { f.find("a b.txt").local[18] = 1 }},
	{"another method in front", ErrHeader, func(_ *testing.T, f *forged) { f.find("a b.txt").local[8] = 0 }},
	{"a second name", ErrHeader, func(_ *testing.T, f *forged) {
		p := f.find("a b.txt")
		field := []byte{0x75, 0x70, 5, 0, 1, 'e', 'v', 'i', 'l'}
		p.record = append(p.record, field...)
		le.PutUint16(p.record[30:], uint16(len(field)))
	}},
	{"encrypted", ErrUnsupported, func(_ *testing.T, f *forged) { f.find("a b.txt").record[8] |= flagEncrypted }},
	{"LZMA", ErrUnsupported, func(_ *testing.T, f *forged) { f.find("a b.txt").record[10] = 14 }},
	{"bundle", ErrName, renamed("AppxMetadata/AppxBundleManifest.xml")},

	{"no manifest", ErrMissing, func(_ *testing.T, f *forged) { f.remove(manifestName) }},
	{"no block map", ErrMissing, func(_ *testing.T, f *forged) { f.remove(blockMapName) }},
	{"no content types", ErrMissing, func(_ *testing.T, f *forged) { f.remove(contentTypesName) }},
	{"DOCTYPE in the block map", ErrBlockMap, filled(blockMapName, `<!DOCTYPE b [<!ENTITY a "aaaa">]><BlockMap/>`)},
	{"another root in the block map", ErrBlockMap, filled(blockMapName, `<Map/>`)},
	{"text in the block map", ErrBlockMap, filled(blockMapName, blockMapHead+"text</BlockMap>")},
	{"deep block map", ErrLimit, filled(blockMapName, blockMapHead+strings.Repeat(`<d:a xmlns:d="x">`, 100))},
	{"long tag in the block map", ErrLimit, filled(blockMapName, blockMapHead+`<File Name="`+strings.Repeat("a", 3*maxTag))},
	{"huge block map", ErrLimit, func(t *testing.T, f *forged) {
		p := f.find(blockMapName)
		p.content = zeros(t)
		p.sizes(0, uint64(len(p.content)), MaxBlockMap+1)
	}},
	{"block map that is longer than it says", ErrContent, func(_ *testing.T, f *forged) {
		p := f.find(blockMapName)
		p.fill([]byte(blockMapHead + "</BlockMap>"))
		p.pack(p.content, deflated(append(p.content, ' ')), methodDeflated)
	}},
	{"bytes after the packed block map", ErrContent, func(_ *testing.T, f *forged) {
		p := f.find(blockMapName)
		p.fill([]byte(blockMapHead + "</BlockMap>"))
		p.pack(p.content, append(deflated(p.content), "hidden"...), methodDeflated)
	}},
	{"huge manifest", ErrContent, func(_ *testing.T, f *forged) { f.find(manifestName).fill(text(maxManifest + 1)) }},
	{"huge content types", ErrLimit, func(_ *testing.T, f *forged) { f.find(contentTypesName).fill(text(MaxContentTypes + 1)) }},
	{"DOCTYPE in the content types", ErrContentTypes, filled(contentTypesName, `<!DOCTYPE a><Types/>`)},
}

const (
	bomb         = 1 << 29
	blockMapHead = `<BlockMap xmlns="` + blockMapSpace + `" HashMethod="` + sha256Method + `">`
)

// zeros returns the compressed form of bomb zero bytes.
func zeros(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return append(bytes.Repeat(b.Bytes(), bomb>>20), endMark...)
}

func deflated(plain []byte) []byte {
	var b bytes.Buffer
	if err := deflate(&b, plain); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func renamed(raw string) func(*testing.T, *forged) {
	return func(_ *testing.T, f *forged) { f.find("a b.txt").rename(raw) }
}

func filled(name, text string) func(*testing.T, *forged) {
	return func(_ *testing.T, f *forged) { f.find(name).fill([]byte(text)) }
}

func attributed(external uint32) func(*testing.T, *forged) {
	return func(_ *testing.T, f *forged) { le.PutUint32(f.find("a b.txt").record[38:], external) }
}

// flagless removes the part's descriptor.
func (p *forgedPart) flagless() {
	p.local[6], p.record[8] = 0, 0
	copy(p.local[14:26], p.record[16:28])
	p.descriptor = nil
}

func TestHostilePackagesAreRefused(t *testing.T) {
	good := packed(t, testFolder(), Options{})
	for _, c := range hostile {
		t.Run(c.name, func(t *testing.T) {
			f := forge(t, good)
			c.forge(t, f)
			b := f.bytes()
			_, err := Open(bytes.NewReader(b), int64(len(b)))
			if !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			var e *Error
			if !errors.As(err, &e) || e.Detail == "" {
				t.Errorf("the error has no detail: %#v", err)
			}
		})
	}
}

func TestForgeryIsNotWhatIsRefused(t *testing.T) {
	good := packed(t, testFolder(), Options{})
	if !bytes.Equal(forge(t, good).bytes(), good) {
		t.Error("a package taken apart and put together differs from the original")
	}
	f := forge(t, good)
	f.narrow = true
	if _, err := verified(f.bytes(), Policy{AllowUnsigned: true}); err != nil {
		t.Errorf("a package without the records of ZIP64: %v", err)
	}
}

func TestPackagesThatFillTheDisk(t *testing.T) {
	p := &Reader{reader: reader{size: MaxSize}, parts: []*part{{size: MaxSize - 1}, {size: 2}}}
	if err := p.checkGrowth(); !errors.Is(err, ErrLimit) {
		t.Errorf("more than %d bytes: %v", int64(MaxSize), err)
	}
	p.size, p.parts = freeGrowth/maxGrowth-1, []*part{{size: freeGrowth + 1}}
	if err := p.checkGrowth(); !errors.Is(err, ErrBomb) {
		t.Errorf("more than %d times: %v", maxGrowth, err)
	}
}

func TestTruncatedPackages(t *testing.T) {
	good := packed(t, testFolder(), Options{})
	for _, n := range []int{0, 1, 21, 22, 100, len(good) / 2, len(good) - 100, len(good) - 22, len(good) - 1} {
		_, err := Open(bytes.NewReader(good[:n]), int64(n))
		if !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrFormat) {
			t.Errorf("%d of %d bytes: %v", n, len(good), err)
		}
	}
	if _, err := Open(bytes.NewReader(good[:len(good)-50]), int64(len(good))); !errors.Is(err, ErrTruncated) {
		t.Errorf("a file that is shorter than it was: %v", err)
	}
}

// If a fault is found only while extracting, nothing is written outside the
// folder, and nothing that was not checked.
func TestExtractWritesOnlyWhatWasChecked(t *testing.T) {
	good := packed(t, testFolder(), Options{})
	f := forge(t, good)
	f.find("data/blocks.zip").content[2*blockSize] ^= 1
	b := f.bytes()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	if err := opened(t, b).Extract(context.Background(), root); !errors.Is(err, ErrContent) {
		t.Fatalf("%v", err)
	}
	info, err := os.Stat(filepath.Join(dir, "data/blocks.zip"))
	if err != nil || info.Size() != 2*blockSize {
		t.Errorf("%v bytes of a file with a bad third block were written: %v", info.Size(), err)
	}
}

func TestExtractFollowsNoLink(t *testing.T) {
	p := opened(t, packed(t, testFolder(), Options{}))
	for name, link := range map[string]string{"a folder": "data", "a file": "App.exe"} {
		t.Run(name, func(t *testing.T) {
			outside, dir := t.TempDir(), t.TempDir()
			if err := os.Symlink(filepath.Join(outside, "x"), filepath.Join(dir, link)); err != nil {
				t.Fatal(err)
			}
			root, err := os.OpenRoot(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = root.Close() }()
			if err := p.Extract(context.Background(), root); err == nil {
				t.Error("the package was extracted")
			}
			if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
				t.Errorf("%v was written outside: %v", left, err)
			}
		})
	}
}

func TestExtractOverwritesNothing(t *testing.T) {
	p := opened(t, packed(t, testFolder(), Options{}))
	dir := t.TempDir()
	mine := filepath.Join(dir, "a b.txt")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	if err := p.Extract(context.Background(), root); !errors.Is(err, os.ErrExist) {
		t.Errorf("%v, want %v", err, os.ErrExist)
	}
	if got, err := os.ReadFile(mine); err != nil || string(got) != "mine" {
		t.Errorf("the file now contains %q: %v", got, err)
	}
}

package msix

import (
	"bytes"
	"context"
	"crypto"
	"hash"
	"io"

	"github.com/bgtask/bgtask/manifest"
)

// Reader is a package that was opened. Its methods may be called at the same
// time when its io.ReaderAt allows that.
type Reader struct {
	reader
	ends     ends
	parts    []*part // in the order of the file
	byName   map[string]*part
	blockMap *blockMap
	types    *contentTypes
	manifest []byte
	mapHash  sums // of the block map as it was read
	typeHash sums // of the content types
}

// File is a file of a package: one that an application ships, or its manifest.
type File struct {
	Name   string // with slashes, relative to the package folder
	Size   int64  // unpacked
	Packed int64  // in the package
	Stored bool   // not compressed
}

// Open reads the structure of a package of size bytes: its directory, its block
// map, its content types and its manifest. It refuses what is hostile in them:
// after Open, every byte of the package belongs to one part, every part is a plain
// file with a name that stays in the package folder, no two are the same file, and
// the block map lists each with its size. What the files hold is for
// [Reader.Verify] and [Reader.Extract] to check.
//
// The block map, the content types and the manifest are kept as they were read
// now, and so Verify and Extract speak of the same package even if somebody
// changes the file in between: what Extract writes is what Verify has verified.
func Open(r io.ReaderAt, size int64) (*Reader, error) {
	p := &Reader{reader: reader{r, size}, byName: make(map[string]*part)}
	var err error
	if p.ends, err = p.findEnds(); err != nil {
		return nil, err
	}
	if p.parts, err = p.readDirectory(p.ends); err != nil {
		return nil, err
	}
	for _, part := range p.parts {
		p.byName[part.name] = part
	}
	for _, step := range []func() error{p.checkGrowth, p.checkParts, p.readTypes, p.readMap, p.readManifest} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// checkGrowth refuses a package that would fill the disk.
func (p *Reader) checkGrowth() error {
	var total int64
	for _, part := range p.parts {
		if total += part.size; total > MaxSize {
			return fault(part.name, ErrLimit, "the files of the package have more than %d GiB", MaxSize>>30)
		}
	}
	if total > freeGrowth && total/maxGrowth > p.size {
		return fault("", ErrBomb, "the package has %d bytes and would unpack to %d", p.size, total)
	}
	return nil
}

func (p *Reader) checkParts() error {
	if p.byName["AppxMetadata/AppxBundleManifest.xml"] != nil {
		return fault("", ErrUnsupported, "this is a bundle of packages; unpack it and use the package in it that fits")
	}
	for _, name := range []string{manifestName, blockMapName, contentTypesName} {
		if p.byName[name] == nil {
			return &Error{Err: ErrMissing, Detail: "the package has no " + name, Hint: "an archive becomes a package by 'bgtask package'"}
		}
	}
	if signature := p.byName[signatureName]; signature != nil && signature != p.parts[len(p.parts)-1] {
		return fault(signatureName, ErrSignature, "is not the last part of the package, and so does not cover those after it")
	}
	return nil
}

func (p *Reader) readTypes() error {
	data, err := p.whole(p.byName[contentTypesName], MaxContentTypes)
	if err != nil {
		return err
	}
	p.typeHash = sumsOf(data)
	p.types, err = readContentTypes(bytes.NewReader(data))
	return err
}

func (p *Reader) readMap() error {
	part := p.byName[blockMapName]
	if part.size > MaxBlockMap {
		return fault(part.name, ErrLimit, "has %d bytes; at most %d are read", part.size, MaxBlockMap)
	}
	content, done := io.Pipe()
	digests := newSums()
	copied := make(chan error, 1)
	go func() {
		err := p.copy(io.MultiWriter(digests, done), part)
		done.CloseWithError(err)
		copied <- err
	}()
	var err error
	p.blockMap, err = readBlockMap(content)
	content.CloseWithError(err)
	if copyErr := <-copied; err == nil {
		err = copyErr
	}
	if err != nil {
		return err
	}
	p.mapHash = digests.sums()
	return p.checkMap()
}

// checkMap holds the block map against the directory, both ways.
func (p *Reader) checkMap() error {
	listed := 0
	for _, part := range p.parts {
		m := p.blockMap.files[part.name]
		if !inBlockMap(part.name) {
			if m != nil {
				return fault(part.name, ErrBlockMap, "is listed in the block map, where it does not belong")
			}
			continue
		}
		if m == nil {
			return fault(part.name, ErrBlockMap, "is not listed in the block map")
		}
		if err := m.check(part); err != nil {
			return err
		}
		listed++
	}
	if listed == len(p.blockMap.files) {
		return nil
	}
	for name := range p.blockMap.files {
		if p.byName[name] == nil {
			return fault(name, ErrBlockMap, "is listed in the block map, and the package has no such file")
		}
	}
	return nil
}

func (p *Reader) readManifest() error {
	part := p.byName[manifestName]
	if part.size > maxManifest {
		return fault(part.name, ErrLimit, "has %d bytes; a manifest has at most %d", part.size, maxManifest)
	}
	var b bytes.Buffer
	err := p.unpacker(p.blockMap.hash).unpack(context.Background(), part, p.blockMap.files[part.name], &b)
	p.manifest = b.Bytes()
	return err
}

// Manifest parses the package's AppxManifest.xml.
func (p *Reader) Manifest() (*manifest.Manifest, error) {
	m, err := manifest.Parse(manifestName, p.manifest)
	if err != nil {
		return nil, &manifestError{err}
	}
	return m, nil
}

// manifestError keeps what manifest says and is an ErrManifest.
type manifestError struct{ error }

func (e *manifestError) Unwrap() []error { return []error{ErrManifest, e.error} }

// ManifestBytes is the AppxManifest.xml as it is in the package. The caller may
// not change it.
func (p *Reader) ManifestBytes() []byte { return p.manifest }

// Signed says whether the package has a signature, whatever that is worth.
func (p *Reader) Signed() bool { return p.byName[signatureName] != nil }

// Files lists what Extract writes, in the order of the package: the files of the
// application and the manifest.
func (p *Reader) Files() []File {
	var files []File
	for _, part := range p.parts {
		if inBlockMap(part.name) {
			files = append(files, File{part.name, part.size, part.packed, part.method == methodStored})
		}
	}
	return files
}

// sums are the digests of a part by every hash that a signature may use.
type sums map[crypto.Hash][]byte

// sumWriter makes them.
type sumWriter map[crypto.Hash]hash.Hash

func newSums() sumWriter {
	w := sumWriter{}
	for _, h := range hashMethods {
		w[h] = h.New()
	}
	return w
}

func (w sumWriter) Write(b []byte) (int, error) {
	for _, h := range w {
		h.Write(b)
	}
	return len(b), nil
}

func (w sumWriter) sums() sums {
	s := sums{}
	for h, digest := range w {
		s[h] = digest.Sum(nil)
	}
	return s
}

func sumsOf(b []byte) sums {
	w := newSums()
	w.Write(b)
	return w.sums()
}

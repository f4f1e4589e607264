package msix

import (
	"bytes"
	"context"
	"crypto"
	"hash"
	"io"

	"github.com/bgtask/bgtask/manifest"
)

// Reader is an opened package. Its methods may be called concurrently if its
// io.ReaderAt may be.
type Reader struct {
	reader
	ends     ends
	parts    []*part // in file order
	byName   map[string]*part
	blockMap *blockMap
	types    *contentTypes
	manifest []byte
	mapHash  sums // of the block map
	typeHash sums // of the content types
}

// File is a file of a package: a file of the application, or the manifest.
type File struct {
	Name   string // with slashes, relative to the package folder
	Size   int64  // unpacked size
	Packed int64  // size in the package
	Stored bool   // not compressed
}

// Open reads the structure of a package of size bytes: its directory, block map,
// content types and manifest. It rejects malicious structures. After Open, every
// byte of the package belongs to one part, every part is a regular file with a
// name inside the package folder, no two parts denote the same file, and the
// block map lists each with its size. The content of the files is checked later,
// by [Reader.Verify] and [Reader.Extract].
//
// Block map, content types and manifest are kept in memory. So Verify and Extract
// work on the same package even if the file changes in between: Extract writes
// only what Verify verified.
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

// checkGrowth rejects packages that would fill the disk.
func (p *Reader) checkGrowth() error {
	var total int64
	for _, part := range p.parts {
		if total += part.size; total > MaxSize {
			return fault(part.name, ErrLimit, "the files of the package exceed %d GiB", MaxSize>>30)
		}
	}
	if total > freeGrowth && total/maxGrowth > p.size {
		return fault("", ErrBomb, "the package has %d bytes but would unpack to %d", p.size, total)
	}
	return nil
}

func (p *Reader) checkParts() error {
	if p.byName["AppxMetadata/AppxBundleManifest.xml"] != nil {
		return fault("", ErrUnsupported, "this is a bundle of packages; unpack it and use the right package from it")
	}
	for _, name := range []string{manifestName, blockMapName, contentTypesName} {
		if p.byName[name] == nil {
			return &Error{Err: ErrMissing, Detail: "the package has no " + name, Hint: "make a package with 'bgtask package'"}
		}
	}
	if signature := p.byName[signatureName]; signature != nil && signature != p.parts[len(p.parts)-1] {
		return fault(signatureName, ErrSignature, "is not the last part of the package, so the parts after it are not signed")
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
		return fault(part.name, ErrLimit, "has %d bytes; at most %d are allowed", part.size, MaxBlockMap)
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

// checkMap checks that block map and directory list the same files with the same
// sizes.
func (p *Reader) checkMap() error {
	listed := 0
	for _, part := range p.parts {
		m := p.blockMap.files[part.name]
		if !inBlockMap(part.name) {
			if m != nil {
				return fault(part.name, ErrBlockMap, "must not be listed in the block map")
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
			return fault(name, ErrBlockMap, "is listed in the block map but not in the package")
		}
	}
	return nil
}

func (p *Reader) readManifest() error {
	part := p.byName[manifestName]
	if part.size > maxManifest {
		return fault(part.name, ErrLimit, "has %d bytes; at most %d are allowed", part.size, maxManifest)
	}
	var b bytes.Buffer
	err := p.unpacker(p.blockMap.hash).unpack(context.Background(), part, p.blockMap.files[part.name], &b)
	p.manifest = b.Bytes()
	return err
}

// Manifest returns the parsed AppxManifest.xml.
func (p *Reader) Manifest() (*manifest.Manifest, error) {
	m, err := manifest.Parse(manifestName, p.manifest)
	if err != nil {
		return nil, &manifestError{err}
	}
	return m, nil
}

// manifestError wraps an error of package manifest and ErrManifest.
type manifestError struct{ error }

func (e *manifestError) Unwrap() []error { return []error{ErrManifest, e.error} }

// ManifestBytes returns the AppxManifest.xml of the package. The caller must not
// modify it.
func (p *Reader) ManifestBytes() []byte { return p.manifest }

// Signed reports whether the package has a signature, valid or not.
func (p *Reader) Signed() bool { return p.byName[signatureName] != nil }

// Files returns the files that Extract writes, in package order: those of the
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

// sums are the digests of a part, by each hash that a signature may use.
type sums map[crypto.Hash][]byte

// sumWriter computes sums.
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
	_, _ = w.Write(b) // never fails
	return w.sums()
}

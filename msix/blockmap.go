package msix

import (
	"crypto"
	_ "crypto/sha256" // the hashes of block maps and signatures
	_ "crypto/sha512"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
)

const blockMapSpace = "http://schemas.microsoft.com/appx/2010/blockmap"

const sha256Method = "http://www.w3.org/2001/04/xmlenc#sha256"

// hashMethods are the hash methods that a block map may use.
var hashMethods = map[string]crypto.Hash{
	sha256Method: crypto.SHA256,
	"http://www.w3.org/2001/04/xmldsig-more#sha384": crypto.SHA384,
	"http://www.w3.org/2001/04/xmlenc#sha512":       crypto.SHA512,
}

// blockMap is the package's list of files with the hashes of their blocks.
type blockMap struct {
	hash  crypto.Hash
	files map[string]*mapped
}

// mapped is a file in the block map.
type mapped struct {
	name   string // with slashes
	size   int64
	header int64    // LfhSize
	packed []uint32 // packed size of each block; empty for a stored file
	hashes []byte   // hashes of all blocks, concatenated
}

func (m *mapped) blocks() int64 { return (m.size + blockSize - 1) / blockSize }

// readBlockMap parses a block map. The caller limits the size of the reader.
func readBlockMap(r io.Reader) (*blockMap, error) {
	d := strictXML(r)
	root, err := rootElement(d, blockMapName, ErrBlockMap, xml.Name{Space: blockMapSpace, Local: "BlockMap"})
	if err != nil {
		return nil, err
	}
	m := &blockMap{files: make(map[string]*mapped)}
	method := attribute(root, "HashMethod")
	if m.hash = hashMethods[method]; m.hash == 0 {
		return nil, fault(blockMapName, ErrBlockMap, "uses the hash method %q; allowed are SHA-256, SHA-384 and SHA-512", show(method))
	}
	for {
		start, err := nextElement(d, blockMapName, ErrBlockMap)
		if err != nil || start == nil {
			return m, err
		}
		if start.Name != (xml.Name{Space: blockMapSpace, Local: "File"}) {
			if err := skip(d, start, blockMapName, ErrBlockMap, blockMapSpace); err != nil {
				return nil, err
			}
			continue
		}
		f, err := m.readFile(d, *start)
		if err != nil {
			return nil, err
		}
		if _, twice := m.files[f.name]; twice {
			return nil, fault(f.name, ErrBlockMap, "is in the block map twice")
		}
		if len(m.files) == MaxParts {
			return nil, fault(blockMapName, ErrLimit, "lists more than %d files", MaxParts)
		}
		m.files[f.name] = f
	}
}

func (m *blockMap) readFile(d *xml.Decoder, start xml.StartElement) (*mapped, error) {
	name := attribute(start, "Name")
	if name == "" || strings.Contains(name, "/") {
		return nil, fault(name, ErrBlockMap, `has a name in the block map that is empty or contains a slash; use \ as the separator`)
	}
	f := &mapped{name: strings.ReplaceAll(name, `\`, "/")}
	var err error
	if f.size, err = number(f.name, start, "Size", MaxSize); err != nil {
		return nil, err
	}
	if f.header, err = number(f.name, start, "LfhSize", localLen+2*none16); err != nil {
		return nil, err
	}
	for {
		block, err := nextElement(d, blockMapName, ErrBlockMap)
		if err != nil {
			return nil, err
		}
		if block == nil {
			break
		}
		if block.Name != (xml.Name{Space: blockMapSpace, Local: "Block"}) {
			if err := skip(d, block, blockMapName, ErrBlockMap, blockMapSpace); err != nil {
				return nil, err
			}
			continue
		}
		if err := m.readBlock(f, *block); err != nil {
			return nil, err
		}
		if err := closeElement(d, blockMapName, ErrBlockMap); err != nil {
			return nil, err
		}
	}
	if got := int64(len(f.hashes) / m.hash.Size()); got != f.blocks() {
		return nil, fault(f.name, ErrBlockMap, "has %d bytes and %d blocks in the block map; they should be %d", f.size, got, f.blocks())
	}
	if len(f.packed) > 0 && int64(len(f.packed)) != f.blocks() {
		return nil, fault(f.name, ErrBlockMap, "has blocks with a Size and blocks without one")
	}
	return f, nil
}

func (m *blockMap) readBlock(f *mapped, block xml.StartElement) error {
	if int64(len(f.hashes)/m.hash.Size()) >= f.blocks() {
		return fault(f.name, ErrBlockMap, "has more blocks in the block map than its %d bytes need", f.size)
	}
	hash, err := base64.StdEncoding.Strict().DecodeString(attribute(block, "Hash"))
	if err != nil || len(hash) != m.hash.Size() {
		return fault(f.name, ErrBlockMap, "has an invalid hash in the block map")
	}
	f.hashes = append(f.hashes, hash...)
	if !hasAttribute(block, "Size") {
		return nil
	}
	size, err := number(f.name, block, "Size", maxBlock)
	f.packed = append(f.packed, uint32(size))
	return err
}

// number returns an attribute that is a whole number up to most.
func number(name string, n xml.StartElement, attr string, most int64) (int64, error) {
	value := attribute(n, attr)
	v, err := strconv.ParseUint(value, 10, 63)
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && v > uint64(most):
		return 0, fault(name, ErrLimit, "has %s=%q in the block map, which is more than %d", attr, show(value), most)
	case err != nil:
		return 0, fault(name, ErrBlockMap, "has %s=%q in the block map, which is not a number", attr, show(value))
	}
	return int64(v), nil
}

// check compares the sizes in the block map with those in the directory.
func (m *mapped) check(p *part) error {
	switch {
	case m.size != p.size:
		return fault(p.name, ErrContent, "has %d bytes in the archive and %d in the block map", p.size, m.size)
	case m.header != p.header:
		return fault(p.name, ErrBlockMap, "has a local header of %d bytes, but LfhSize is %d", p.header, m.header)
	case p.method == methodStored && len(m.packed) > 0:
		return fault(p.name, ErrBlockMap, "is stored, but its blocks have a Size")
	case p.method == methodDeflated && m.size > 0 && len(m.packed) == 0:
		return fault(p.name, ErrBlockMap, "is deflated, but its blocks have no Size")
	case p.method == methodStored:
		return nil
	}
	sum := sumOf(m.packed)
	if tail := p.packed - sum; tail != 0 && tail != 2 {
		return fault(p.name, ErrBlockMap, "has %d packed bytes, but its blocks have %d in total", p.packed, sum)
	}
	return nil
}

package msix

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"crypto"
	"errors"
	"hash"
	"hash/crc32"
	"io"
)

// whole reads a small part into memory and verifies its checksum.
func (r reader) whole(p *part, most int64) ([]byte, error) {
	if p.size > most {
		return nil, fault(p.name, ErrLimit, "has %d bytes; at most %d are allowed", p.size, most)
	}
	b := bytes.NewBuffer(make([]byte, 0, min(p.size, blockSize)))
	if err := r.copy(b, p); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// copy unpacks a part as one stream, as an ordinary ZIP reader would.
func (r reader) copy(w io.Writer, p *part) error {
	sum := crc32.NewIEEE()
	content := bufio.NewReader(io.NewSectionReader(r.ReaderAt, p.start+p.header, p.packed))
	var plain io.Reader = content
	if p.method == methodDeflated {
		plain = flate.NewReader(content)
	}
	n, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(plain, p.size+1))
	if err != nil {
		return flateError(p.name, err)
	}
	switch _, err := content.Peek(1); {
	case n != p.size:
		return fault(p.name, ErrContent, "does not have the %d bytes stated in the directory", p.size)
	case err == nil:
		return fault(p.name, ErrContent, "has bytes after the end of its content")
	case sum.Sum32() != p.crc:
		return fault(p.name, ErrContent, "does not have the checksum stated in the directory")
	}
	return nil
}

func flateError(name string, err error) error {
	var corrupt flate.CorruptInputError
	if errors.As(err, &corrupt) {
		return fault(name, ErrContent, "has invalid compressed data")
	}
	return readError(name, err)
}

// unpacker unpacks files block by block. It can be used for one file after
// another, but not concurrently.
type unpacker struct {
	reader
	hash    crypto.Hash
	packed  []byte
	plain   []byte
	inflate io.ReadCloser
}

func (r reader) unpacker(hash crypto.Hash) *unpacker {
	return &unpacker{reader: r, hash: hash, plain: make([]byte, blockSize), packed: make([]byte, maxBlock)}
}

// unpack writes each block of a file to w after comparing it with the block map.
func (u *unpacker) unpack(ctx context.Context, p *part, m *mapped, w io.Writer) error {
	in := bufio.NewReaderSize(io.NewSectionReader(u.ReaderAt, p.start+p.header, p.packed), blockSize)
	sum, digest := crc32.NewIEEE(), u.hash.New()
	aligned := true
	for i := range m.blocks() {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		want := min(blockSize, m.size-i*blockSize)
		plain, ends, err := u.block(in, p, m, int(i), want)
		if err != nil {
			return err
		}
		if !matches(digest, plain, m.hashes[int(i)*u.hash.Size():][:u.hash.Size()]) {
			return fault(p.name, ErrContent, "block %d of %d does not have the hash stated in the block map", i+1, m.blocks())
		}
		aligned = aligned && ends
		sum.Write(plain)
		if _, err := w.Write(plain); err != nil {
			return err
		}
	}
	if err := tail(in, p, m); err != nil {
		return err
	}
	if sum.Sum32() != p.crc {
		return fault(p.name, ErrContent, "does not have the checksum stated in the directory")
	}
	if !aligned {
		return u.copy(io.Discard, p) // check that a reader that ignores blocks sees the same content
	}
	return nil
}

func matches(digest hash.Hash, plain, want []byte) bool {
	digest.Reset()
	digest.Write(plain)
	return bytes.Equal(digest.Sum(nil), want)
}

// syncMark is the empty stored block that ends each block but the last, so that
// the next one begins on a byte boundary.
var syncMark = []byte{0, 0, 0xff, 0xff}

// block reads one block. Aligned reports whether what follows begins on a byte
// boundary.
func (u *unpacker) block(in io.Reader, p *part, m *mapped, i int, want int64) (plain []byte, aligned bool, err error) {
	plain = u.plain[:want]
	if p.method == methodStored {
		if _, err := io.ReadFull(in, plain); err != nil {
			return nil, false, readError(p.name, err)
		}
		return plain, true, nil
	}
	packed := u.packed[:m.packed[i]]
	if _, err := io.ReadFull(in, packed); err != nil {
		return nil, false, readError(p.name, err)
	}
	source := bytes.NewReader(packed)
	if u.inflate == nil {
		u.inflate = flate.NewReader(source)
	} else if err := u.inflate.(flate.Resetter).Reset(source, nil); err != nil {
		return nil, false, err
	}
	bad := func(what string) ([]byte, bool, error) {
		return nil, false, fault(p.name, ErrContent, "block %d of %d %s", i+1, m.blocks(), what)
	}
	if _, err := io.ReadFull(u.inflate, plain); err != nil {
		return bad("cannot be unpacked independently")
	}
	var more [1]byte
	n, err := u.inflate.Read(more[:])
	switch {
	case n > 0:
		return bad("has more bytes than a block may have")
	case source.Len() > 0:
		return bad("is shorter than stated in the block map")
	case err == io.EOF: // the end of the file's content, allowed only in the last block
		last := int64(i) == m.blocks()-1 && sumOf(m.packed) == p.packed
		if !last {
			return bad("ends the file's content too early")
		}
	case !errors.Is(err, io.ErrUnexpectedEOF):
		return bad("cannot be unpacked independently")
	}
	return plain, err == io.EOF || bytes.HasSuffix(packed, syncMark), nil
}

func sumOf(sizes []uint32) (sum int64) {
	for _, n := range sizes {
		sum += int64(n)
	}
	return sum
}

// tail checks what follows the last block, which may only be the end mark.
func tail(in io.Reader, p *part, m *mapped) error {
	rest, err := io.ReadAll(in)
	if err != nil {
		return readError(p.name, err)
	}
	if len(rest) > 0 && (p.method == methodStored || !bytes.Equal(rest, []byte{3, 0})) {
		return fault(p.name, ErrContent, "has bytes after its last block")
	}
	if len(rest) == 0 && p.method == methodDeflated && len(m.packed) == 0 {
		return fault(p.name, ErrContent, "has invalid compressed data")
	}
	return nil
}

package msix

import (
	"bytes"
	"strings"
)

// part is an entry of the package.
type part struct {
	name   string // decoded, with slashes
	raw    string // percent-encoded, as in the archive
	method uint16
	flags  uint16
	crc    uint32
	packed int64 // bytes in the archive
	size   int64 // bytes unpacked
	start  int64 // of the local header
	header int64 // length of the local header, LfhSize in the block map
	end    int64 // end of the content and its descriptor
	entry  []byte
}

// readDirectory reads the parts in file order. It checks that every byte of the
// file belongs to exactly one part. This is the protection against archives that
// different programs read differently: each part must begin where the previous
// one ends, and its local header must agree with the directory.
func (r reader) readDirectory(e ends) ([]*part, error) {
	directory, err := r.at(e.offset, e.size, "")
	if err != nil {
		return nil, err
	}
	var parts []*part
	taken := newNames()
	at := int64(0)
	for len(directory) > 0 {
		if uint64(len(parts)) == e.count {
			return nil, fault("", ErrHeader, "the directory has more parts than the %d counted in the end record", e.count)
		}
		p, rest, err := readEntry(directory)
		if err != nil {
			return nil, err
		}
		directory = rest
		if err := taken.add(p.name); err != nil {
			return nil, err
		}
		if err := r.locate(p, at, e.offset); err != nil {
			return nil, err
		}
		at = p.end
		parts = append(parts, p)
	}
	if uint64(len(parts)) != e.count {
		return nil, fault("", ErrHeader, "the directory has %d parts, but the end record counts %d", len(parts), e.count)
	}
	if at != e.offset {
		return nil, r.gap(at, e.offset, "the directory")
	}
	return parts, nil
}

// readEntry reads the first entry of a directory.
func readEntry(b []byte) (*part, []byte, error) {
	if len(b) < directoryLen || le.Uint32(b) != sigDirectory {
		return nil, nil, fault("", ErrHeader, "the directory contains something other than entries")
	}
	nameLen, extraLen, commentLen := int(le.Uint16(b[28:])), int(le.Uint16(b[30:])), int(le.Uint16(b[32:]))
	length := directoryLen + nameLen + extraLen + commentLen
	if len(b) < length {
		return nil, nil, fault("", ErrTruncated, "the directory ends within an entry")
	}
	p := &part{
		raw:    string(b[directoryLen : directoryLen+nameLen]),
		flags:  le.Uint16(b[8:]),
		method: le.Uint16(b[10:]),
		crc:    le.Uint32(b[16:]),
		packed: int64(le.Uint32(b[20:])),
		size:   int64(le.Uint32(b[24:])),
		start:  int64(le.Uint32(b[42:])),
		entry:  b[:length:length],
	}
	if strings.Contains(p.raw, `\`) {
		return nil, nil, fault(p.raw, ErrName, "contains a backslash; names in the archive must use slashes")
	}
	var err error
	if p.name, err = decodeName(p.raw); err != nil {
		return nil, nil, err
	}
	if err := checkName(p.name); err != nil {
		return nil, nil, err
	}
	if err := p.widen(b[directoryLen+nameLen : directoryLen+nameLen+extraLen]); err != nil {
		return nil, nil, err
	}
	return p, b[length:], p.check()
}

// widen reads the numbers that do not fit into 32 bits from the ZIP64 extra
// field.
func (p *part) widen(fields []byte) error {
	wide, ok := extra(fields, extra64)
	alias, alsoOK := extra(fields, extraUnicodeName)
	switch {
	case !ok || !alsoOK:
		return fault(p.name, ErrHeader, "has extra fields that cannot be decoded")
	case alias != nil:
		return fault(p.name, ErrHeader, "has a second name")
	}
	for _, field := range []*int64{&p.size, &p.packed, &p.start} {
		if *field != none32 {
			continue
		}
		if len(wide) < 8 {
			return fault(p.name, ErrHeader, "is missing a number in its ZIP64 field")
		}
		*field, wide = int64(le.Uint64(wide)), wide[8:]
	}
	if p.size < 0 || p.packed < 0 || p.start < 0 {
		return fault(p.name, ErrHeader, "has a number that is too large")
	}
	return nil
}

// check rejects entries that a package may not contain.
func (p *part) check() error {
	const typeMask, regular = 0o170000, 0o100000
	mode := le.Uint32(p.entry[38:]) >> 16
	switch {
	case mode&typeMask != 0 && mode&typeMask != regular:
		return fault(p.name, ErrLink, "is a symbolic link, a folder or a device; a package may contain only regular files")
	case le.Uint32(p.entry[38:])&0x10 != 0:
		return fault(p.name, ErrLink, "is a folder; a package may contain only regular files")
	case p.flags&(flagEncrypted|flagStrong|flagMasked) != 0:
		return fault(p.name, ErrUnsupported, "is encrypted")
	case p.flags&flagPatch != 0:
		return fault(p.name, ErrUnsupported, "is a patch")
	case le.Uint16(p.entry[34:]) != 0:
		return fault(p.name, ErrUnsupported, "is in another volume")
	case p.method != methodStored && p.method != methodDeflated:
		return fault(p.name, ErrUnsupported, "uses compression method %d; allowed are stored (0) and deflated (8)", p.method)
	case p.method == methodStored && p.size != p.packed:
		return fault(p.name, ErrHeader, "is stored, but has %d bytes unpacked and %d packed", p.size, p.packed)
	case p.size/1100 > p.packed:
		return fault(p.name, ErrBomb, "claims %d bytes unpacked from %d, which deflate cannot do", p.size, p.packed)
	}
	return nil
}

// locate reads the part's local header, which must be at the offset at, and finds
// its content, which must end before limit.
func (r reader) locate(p *part, at, limit int64) error {
	if p.start != at {
		if p.start < at {
			return fault(p.name, ErrOverlap, "begins within the part before it")
		}
		return r.gap(at, p.start, p.name)
	}
	head, err := r.at(p.start, localLen, p.name)
	if err != nil {
		return err
	}
	if le.Uint32(head) != sigLocal {
		return fault(p.name, ErrHeader, "has no header at the position stated in the directory")
	}
	nameLen, extraLen := int64(le.Uint16(head[26:])), int64(le.Uint16(head[28:]))
	tail, err := r.at(p.start+localLen, nameLen+extraLen, p.name)
	if err != nil {
		return err
	}
	if string(tail[:nameLen]) != p.raw {
		return fault(p.name, ErrHeader, "has the name %s in its own header", show(string(tail[:nameLen])))
	}
	if le.Uint16(head[6:]) != p.flags || le.Uint16(head[8:]) != p.method {
		return fault(p.name, ErrHeader, "has different flags or a different method in its own header")
	}
	p.header = localLen + nameLen + extraLen
	if err := p.checkLocal(head, tail[nameLen:]); err != nil {
		return err
	}
	p.end = p.start + p.header
	if p.packed > limit-p.end {
		return fault(p.name, ErrOverlap, "reaches into the directory")
	}
	p.end += p.packed
	if p.flags&flagDescriptor != 0 {
		return r.describe(p, limit)
	}
	return nil
}

// checkLocal compares the sizes in the local header with those in the directory.
func (p *part) checkLocal(head, fields []byte) error {
	wide, ok := extra(fields, extra64)
	alias, alsoOK := extra(fields, extraUnicodeName)
	if !ok || !alsoOK || alias != nil {
		return fault(p.name, ErrHeader, "has extra fields in its own header that cannot be decoded")
	}
	crc, packed, size := le.Uint32(head[14:]), uint64(le.Uint32(head[18:])), uint64(le.Uint32(head[22:]))
	for _, field := range []*uint64{&size, &packed} {
		if *field == none32 && len(wide) >= 8 {
			*field, wide = le.Uint64(wide), wide[8:]
		}
	}
	same := crc == p.crc && packed == uint64(p.packed) && size == uint64(p.size)
	none := p.flags&flagDescriptor != 0 && crc == 0 && (packed == 0 || packed == none32) && (size == 0 || size == none32)
	if !same && !none {
		return fault(p.name, ErrHeader, "has a different size or checksum in its own header than in the directory")
	}
	return nil
}

// describe reads the descriptor after the part's content, which has 24 or 16
// bytes.
func (r reader) describe(p *part, limit int64) error {
	b, err := r.at(p.end, min(descriptor64Len, limit-p.end), p.name)
	if err != nil {
		return err
	}
	head := le.AppendUint32(le.AppendUint32(nil, sigDescriptor), p.crc)
	wide := le.AppendUint64(le.AppendUint64(head, uint64(p.packed)), uint64(p.size))
	narrow := le.AppendUint32(le.AppendUint32(head[:8:8], uint32(p.packed)), uint32(p.size))
	switch {
	case bytes.HasPrefix(b, wide):
		p.end += descriptor64Len
	case bytes.HasPrefix(b, narrow) && p.packed <= none32 && p.size <= none32:
		p.end += descriptorLen
	default:
		return fault(p.name, ErrHeader, "has a different size or checksum after its content than in the directory")
	}
	return nil
}

// gap returns the error for bytes that do not belong to any part.
func (r reader) gap(from, to int64, before string) error {
	if from > to {
		return fault(before, ErrOverlap, "begins within the part before it")
	}
	if r.hasEnd(max(from, to-none16-endLen), to) {
		return fault("", ErrTwoEnds, "the package has a second end record; different programs would read different contents")
	}
	return fault("", ErrHidden, "%d bytes before %s do not belong to any part", to-from, show(before))
}

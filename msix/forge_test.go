package msix

import (
	"bytes"
	"hash/crc32"
	"testing"
)

// forged is a package in pieces, to be put together incorrectly.
type forged struct {
	parts  []*forgedPart
	tail   []byte // after the parts, before the directory
	middle []byte // after the directory, before the end records
	after  []byte // after the end records
	ends   func(*ends)
	narrow bool // end record without ZIP64 records
}

type forgedPart struct {
	*part
	before                             []byte
	local, content, descriptor, record []byte
	stays                              bool // whether the directory entry keeps the old offset
}

func forge(t testing.TB, b []byte) *forged {
	t.Helper()
	f := &forged{}
	for _, p := range opened(t, b).parts {
		content := p.start + p.header
		f.parts = append(f.parts, &forgedPart{
			part:       p,
			local:      bytes.Clone(b[p.start:content]),
			content:    bytes.Clone(b[content : content+p.packed]),
			descriptor: bytes.Clone(b[content+p.packed : p.end]),
			record:     bytes.Clone(p.entry),
		})
	}
	return f
}

func (f *forged) bytes() []byte {
	var b, directory []byte
	for _, p := range f.parts {
		b = append(b, p.before...)
		if !p.stays {
			le.PutUint32(p.record[42:], uint32(len(b)))
		}
		b = append(append(append(b, p.local...), p.content...), p.descriptor...)
		directory = append(directory, p.record...)
	}
	b = append(b, f.tail...)
	e := ends{uint64(len(f.parts)), int64(len(directory)), int64(len(b))}
	if f.ends != nil {
		f.ends(&e)
	}
	b = append(append(b, directory...), f.middle...)
	if f.narrow {
		b = append(b, narrowEnd(e)...)
	} else {
		records := endRecords(e)
		le.PutUint64(records[end64Len+8:], uint64(len(b)))
		b = append(b, records...)
	}
	return append(b, f.after...)
}

func narrowEnd(e ends) []byte {
	b := append(le.AppendUint32(nil, sigEnd), 0, 0, 0, 0)
	b = le.AppendUint16(le.AppendUint16(b, uint16(e.count)), uint16(e.count))
	b = le.AppendUint32(le.AppendUint32(b, uint32(e.size)), uint32(e.offset))
	return le.AppendUint16(b, 0)
}

func (f *forged) find(name string) *forgedPart {
	for _, p := range f.parts {
		if p.name == name {
			return p
		}
	}
	panic("no part " + name)
}

func (f *forged) remove(name string) {
	for i, p := range f.parts {
		if p.name == name {
			f.parts = append(f.parts[:i], f.parts[i+1:]...)
			return
		}
	}
	panic("no part " + name)
}

// rename changes the name in both headers.
func (p *forgedPart) rename(raw string) {
	p.local = append(p.local[:localLen:localLen], raw...)
	le.PutUint16(p.local[26:], uint16(len(raw)))
	p.record = append(p.record[:directoryLen:directoryLen], raw...)
	le.PutUint16(p.record[28:], uint16(len(raw)))
}

// fill replaces the content of the part, stored, and updates sizes and checksum.
func (p *forgedPart) fill(plain []byte) { p.pack(plain, plain, methodStored) }

func (p *forgedPart) pack(plain, packed []byte, method uint16) {
	p.content = packed
	le.PutUint16(p.local[8:], method)
	le.PutUint16(p.record[10:], method)
	p.sizes(crc32.ChecksumIEEE(plain), uint64(len(packed)), uint64(len(plain)))
}

// sizes sets sizes and checksum in all headers.
func (p *forgedPart) sizes(crc uint32, packed, size uint64) {
	le.PutUint32(p.record[16:], crc)
	le.PutUint32(p.record[20:], uint32(packed))
	le.PutUint32(p.record[24:], uint32(size))
	p.descriptor = le.AppendUint32(le.AppendUint32(nil, sigDescriptor), crc)
	p.descriptor = le.AppendUint64(le.AppendUint64(p.descriptor, packed), size)
}

// clone appends a copy of the part.
func (f *forged) clone(name string) *forgedPart {
	p := *f.find(name)
	p.local, p.record = bytes.Clone(p.local), bytes.Clone(p.record)
	f.parts = append(f.parts, &p)
	return &p
}

// edit replaces text in a part, which must contain it.
func (f *forged) edit(t testing.TB, b []byte, name, old, new string) {
	t.Helper()
	p := opened(t, b)
	text, err := p.whole(p.byName[name], MaxBlockMap)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte(old)) {
		t.Fatalf("%s has no %q", name, old)
	}
	f.find(name).fill(bytes.Replace(text, []byte(old), []byte(new), 1))
}

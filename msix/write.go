package msix

import (
	"bufio"
	"crypto"
	"hash"
	"hash/crc32"
	"io"
	"time"
)

// writer writes a package in the layout of MakeAppx: version 45, sizes after the
// content in a descriptor of 24 bytes, and always with ZIP64 end records.
type writer struct {
	out       *bufio.Writer
	at        int64
	sum       hash.Hash // of all bytes written; AXPC in the signature
	date      uint32    // modification time of all parts in DOS format
	directory []byte
	count     uint64
}

func newWriter(w io.Writer, modified time.Time) *writer {
	return &writer{out: bufio.NewWriterSize(w, 1<<20), sum: crypto.SHA256.New(), date: dosTime(modified)}
}

// dosTime converts a time to DOS format in UTC, with a resolution of two seconds.
// Times before 1980 become the start of 1980.
func dosTime(t time.Time) uint32 {
	t = t.UTC()
	if t.Year() < 1980 {
		return 1<<21 | 1<<16
	}
	if t.Year() > 2107 {
		return 127<<25 | 12<<21 | 31<<16 | 23<<11 | 59<<5 | 29
	}
	return uint32(t.Year()-1980)<<25 | uint32(t.Month())<<21 | uint32(t.Day())<<16 |
		uint32(t.Hour())<<11 | uint32(t.Minute())<<5 | uint32(t.Second())/2
}

// Write writes content of a part, or a record.
func (w *writer) Write(b []byte) (int, error) {
	w.sum.Write(b)
	w.at += int64(len(b))
	return w.out.Write(b)
}

// begin writes the local header of a part.
func (w *writer) begin(name string, method uint16) (*part, error) {
	p := &part{name: name, raw: encodeName(name), method: method, flags: flagDescriptor, start: w.at}
	b := le.AppendUint32(nil, sigLocal)
	b = le.AppendUint16(b, version)
	b = le.AppendUint16(b, p.flags)
	b = le.AppendUint16(b, p.method)
	b = le.AppendUint32(b, w.date)
	b = append(b, make([]byte, 12)...) // checksum and sizes are in the descriptor
	b = le.AppendUint16(b, uint16(len(p.raw)))
	b = le.AppendUint16(b, 0)
	b = append(b, p.raw...)
	p.header = int64(len(b))
	_, err := w.Write(b)
	return p, err
}

// end writes the descriptor of a part after its content, and adds its directory
// entry.
func (w *writer) end(p *part) error {
	p.packed = w.at - p.start - p.header
	b := le.AppendUint32(nil, sigDescriptor)
	b = le.AppendUint32(b, p.crc)
	b = le.AppendUint64(b, uint64(p.packed))
	b = le.AppendUint64(b, uint64(p.size))
	_, err := w.Write(b)
	w.directory = append(w.directory, w.entry(p)...)
	w.count++
	return err
}

const version = 45

func (w *writer) entry(p *part) []byte {
	var wide []byte
	narrow := func(v int64) uint32 {
		if v >= none32 {
			wide = le.AppendUint64(wide, uint64(v))
			return none32
		}
		return uint32(v)
	}
	size, packed, start := narrow(p.size), int64(0), int64(0)
	packed, start = int64(narrow(p.packed)), int64(narrow(p.start))
	b := le.AppendUint32(nil, sigDirectory)
	b = le.AppendUint16(b, version)
	b = le.AppendUint16(b, version)
	b = le.AppendUint16(b, p.flags)
	b = le.AppendUint16(b, p.method)
	b = le.AppendUint32(b, w.date)
	b = le.AppendUint32(b, p.crc)
	b = le.AppendUint32(b, uint32(packed))
	b = le.AppendUint32(b, size)
	b = le.AppendUint16(b, uint16(len(p.raw)))
	if len(wide) > 0 {
		wide = append(le.AppendUint16(le.AppendUint16(nil, extra64), uint16(len(wide))), wide...)
	}
	b = le.AppendUint16(b, uint16(len(wide)))
	b = append(b, make([]byte, 10)...) // comment, volume, attributes
	b = le.AppendUint32(b, uint32(start))
	b = append(b, p.raw...)
	return append(b, wide...)
}

// tail returns the directory and the end records for the current offset.
func (w *writer) tail() []byte {
	b := append([]byte(nil), w.directory...)
	return append(b, endRecords(ends{w.count, int64(len(w.directory)), w.at})...)
}

func endRecords(e ends) []byte {
	b := le.AppendUint32(nil, sigEnd64)
	b = le.AppendUint64(b, end64Len-12)
	b = le.AppendUint16(b, version)
	b = le.AppendUint16(b, version)
	b = le.AppendUint64(b, 0) // volumes
	b = le.AppendUint64(b, e.count)
	b = le.AppendUint64(b, e.count)
	b = le.AppendUint64(b, uint64(e.size))
	b = le.AppendUint64(b, uint64(e.offset))

	b = le.AppendUint32(b, sigLocator64)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint64(b, uint64(e.offset+e.size))
	b = le.AppendUint32(b, 1)

	b = le.AppendUint32(b, sigEnd)
	b = le.AppendUint32(b, 0)      // volumes
	b = le.AppendUint32(b, none32) // counts
	b = le.AppendUint32(b, none32)
	b = le.AppendUint32(b, none32)
	return le.AppendUint16(b, 0)
}

// small writes a part from memory.
func (w *writer) small(name string, data []byte, method uint16) error {
	p, err := w.begin(name, method)
	if err != nil {
		return err
	}
	p.size, p.crc = int64(len(data)), crc32.ChecksumIEEE(data)
	if method == methodStored {
		_, err = w.Write(data)
	} else {
		err = deflate(w, data)
	}
	if err != nil {
		return err
	}
	return w.end(p)
}

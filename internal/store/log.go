//go:build linux

package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
)

// This file reads SQLite's write-ahead log before SQLite does.
//
// SQLite takes the first frame with a wrong checksum for the end of the log. It cannot
// distinguish a transaction that a power failure cut short, and that was never
// acknowledged, from damage to one that was acknowledged long ago. The mark beside the
// store (mark.go) makes the distinction possible: it records how far the acknowledged
// part of the log extends. The formats are those of https://sqlite.org/walformat.html.

const (
	logHeaderSize   = 32
	frameHeaderSize = 24
	logMagic        = 0x377f0682 // with the low bit set, checksums are big-endian
	logVersion      = 3007000
)

// salt identifies one generation of the log. When SQLite restarts the log it adds one
// to the first word and chooses the second at random.
type salt [2]uint32

// sum is the checksum of a log up to and including some frame.
type sum [2]uint32

// position is a place in the log: just after the first Frames frames of a generation.
// Sum covers exactly these frames.
type position struct {
	Salt   salt
	Frames uint32
	Sum    sum
}

var errIndexBusy = errors.New("the log's index is being written by another process")

// logEnd reads from the log's index where the last commit ended. The index, -shm, is
// memory that SQLite's connections share. It is current once the statement that
// committed has returned.
func logEnd(index *os.File) (position, error) {
	const size = 48
	var b [2 * size]byte
	if _, err := index.ReadAt(b[:], 0); err != nil {
		return position{}, fmt.Errorf("read the log's index: %w", err)
	}
	if [size]byte(b[:size]) != [size]byte(b[size:]) || b[12] == 0 {
		return position{}, errIndexBusy
	}
	native := binary.NativeEndian
	return position{
		Frames: native.Uint32(b[16:]),
		Sum:    sum{native.Uint32(b[24:]), native.Uint32(b[28:])},
		Salt:   salt{binary.BigEndian.Uint32(b[32:]), binary.BigEndian.Uint32(b[36:])}, // as in the log itself
	}, nil
}

// log is an open write-ahead log, read frame by frame.
type log struct {
	r      io.ReaderAt
	size   int64
	order  binary.ByteOrder // of the words in the checksum
	page   int
	salt   salt
	sum    sum // of what has been read
	frames uint32
	buf    []byte
}

var errLogHeader = errors.New("its header is damaged")

// openLog reads the header.
func openLog(r io.ReaderAt, size int64) (*log, error) {
	var h [logHeaderSize]byte
	if _, err := r.ReadAt(h[:], 0); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errLogHeader
		}
		return nil, err
	}
	word := func(at int) uint32 { return binary.BigEndian.Uint32(h[at:]) }
	l := &log{r: r, size: size, order: binary.LittleEndian, page: int(word(8)), salt: salt{word(16), word(20)}}
	if word(0)&1 != 0 {
		l.order = binary.BigEndian
	}
	l.sum = l.sum.add(l.order, h[:24])
	valid := word(0)&^1 == logMagic && word(4) == logVersion && l.page >= 512 && l.page <= 65536 && bits.OnesCount(uint(l.page)) == 1
	if !valid || l.sum != (sum{word(24), word(28)}) {
		return nil, errLogHeader
	}
	l.buf = make([]byte, frameHeaderSize+l.page)
	return l, nil
}

// add continues SQLite's checksum over b.
func (s sum) add(order binary.ByteOrder, b []byte) sum {
	for ; len(b) >= 8; b = b[8:] {
		s[0] += order.Uint32(b) + s[1]
		s[1] += order.Uint32(b[4:]) + s[0]
	}
	return s
}

// frame is the content of a frame's header.
type frame struct {
	current bool // the frame belongs to this generation of the log
	commit  bool // the frame is the last of a transaction
	sum     sum  // of the log up to and including the frame
}

// read reads the frame after the first n. It returns false at the end of the file. An
// incomplete frame does not count.
func (l *log) read(n uint32) (frame, bool, error) {
	at := logHeaderSize + int64(n)*int64(len(l.buf))
	if at+int64(len(l.buf)) > l.size {
		return frame{}, false, nil
	}
	if _, err := l.r.ReadAt(l.buf, at); err != nil {
		return frame{}, false, err
	}
	word := func(at int) uint32 { return binary.BigEndian.Uint32(l.buf[at:]) }
	return frame{
		current: salt{word(8), word(12)} == l.salt,
		commit:  word(4) != 0,
		sum:     sum{word(16), word(20)},
	}, true, nil
}

// next advances while the checksums match. It returns false at the first frame that
// does not match, and at the end.
func (l *log) next() (bool, error) {
	f, ok, err := l.read(l.frames)
	if err != nil || !ok || !f.current {
		return false, err
	}
	s := l.sum.add(l.order, l.buf[:8]).add(l.order, l.buf[frameHeaderSize:])
	if s != f.sum {
		return false, nil
	}
	l.frames, l.sum = l.frames+1, s
	return true, nil
}

// laterTransaction reports whether the first frame that does not match is followed by a
// transaction that can only have begun once the transaction of that frame was safely on
// the disk. A transaction is synced before the next one begins, so a power failure can
// tear only the last one. The last frame of a torn transaction may have reached the
// disk, but no frame of this generation can follow it.
func (l *log) laterTransaction() (bool, error) {
	over := false // the torn transaction's last frame has been passed
	for n := l.frames; ; n++ {
		f, ok, err := l.read(n)
		switch {
		case err != nil || !ok:
			return false, err
		case !f.current:
			continue
		case over:
			return true, nil
		}
		over = f.commit
	}
}

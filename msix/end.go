package msix

import (
	"bytes"
	"errors"
	"io"
)

// reader reads at offsets, and reports an unexpected end of the file as
// ErrTruncated.
type reader struct {
	io.ReaderAt
	size int64
}

func (r reader) at(offset, n int64, part string) ([]byte, error) {
	if offset < 0 || n < 0 || offset > r.size || n > r.size-offset {
		return nil, fault(part, ErrTruncated, "is beyond the end of the package")
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(io.NewSectionReader(r.ReaderAt, offset, n), b); err != nil {
		return nil, readError(part, err)
	}
	return b, nil
}

func readError(part string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fault(part, ErrTruncated, "ends too early")
	}
	return err
}

// findEnds reads the end records. They must be at the very end of the file and
// directly after the directory.
func (r reader) findEnds() (ends, error) {
	if r.size < endLen {
		return ends{}, fault("", ErrFormat, "the file is too small to be a package")
	}
	end, err := r.at(r.size-endLen, endLen, "")
	if err != nil {
		return ends{}, err
	}
	if le.Uint32(end) != sigEnd || le.Uint16(end[20:]) != 0 {
		return ends{}, r.noEnd()
	}
	e := ends{uint64(le.Uint16(end[10:])), int64(le.Uint32(end[12:])), int64(le.Uint32(end[16:]))}
	if volume(le.Uint16(end[4:])) || volume(le.Uint16(end[6:])) {
		return ends{}, fault("", ErrUnsupported, "the archive has several volumes")
	}
	if le.Uint16(end[8:]) != le.Uint16(end[10:]) {
		return ends{}, fault("", ErrHeader, "the end record counts %d parts in this volume and %d in total", le.Uint16(end[8:]), le.Uint16(end[10:]))
	}
	at := r.size - endLen
	e, at, err = r.findEnd64(e, at)
	if err != nil {
		return ends{}, err
	}
	return e, r.checkEnds(e, at)
}

// findEnd64 reads the ZIP64 end record, which ends at the offset at, if there is
// one. It has the numbers that do not fit into the end record.
func (r reader) findEnd64(e ends, at int64) (ends, int64, error) {
	if at < locator64Len {
		return e, at, nil
	}
	locator, err := r.at(at-locator64Len, locator64Len, "")
	if err != nil {
		return e, at, err
	}
	needed := e.count == none16 || e.size == none32 || e.offset == none32
	if le.Uint32(locator) != sigLocator64 {
		if needed {
			return e, at, fault("", ErrHeader, "the ZIP64 end record is missing")
		}
		return e, at, nil
	}
	start := at - locator64Len - end64Len
	if le.Uint32(locator[4:]) != 0 || le.Uint32(locator[16:]) > 1 {
		return e, at, fault("", ErrUnsupported, "the archive has several volumes")
	}
	if start < 0 || le.Uint64(locator[8:]) != uint64(start) {
		return e, at, fault("", ErrHidden, "the ZIP64 end record is not directly before its locator")
	}
	record, err := r.at(start, end64Len, "")
	if err != nil {
		return e, at, err
	}
	if le.Uint32(record) != sigEnd64 || le.Uint64(record[4:]) != end64Len-12 {
		return e, at, fault("", ErrHeader, "the ZIP64 end record is invalid")
	}
	wide := ends{le.Uint64(record[32:]), int64(le.Uint64(record[40:])), int64(le.Uint64(record[48:]))}
	if le.Uint64(record[24:]) != wide.count ||
		e.count != none16 && e.count != wide.count || e.size != none32 && e.size != wide.size || e.offset != none32 && e.offset != wide.offset {
		return e, at, fault("", ErrHeader, "the two end records describe different directories")
	}
	return wide, start, nil
}

// checkEnds checks that the directory ends directly before the end records, which
// begin at the offset at.
func (r reader) checkEnds(e ends, at int64) error {
	switch {
	case e.size < 0 || e.offset < 0 || e.offset > r.size || e.size > r.size:
		return fault("", ErrHeader, "the directory is outside the file")
	case e.count > MaxParts:
		return fault("", ErrLimit, "the package has more than %d parts", MaxParts)
	case e.size > MaxDirectory:
		return fault("", ErrLimit, "the package's directory is larger than %d bytes", MaxDirectory)
	case e.offset+e.size == at:
		return nil
	}
	if r.hasEnd(max(0, at-none16-endLen), at) {
		return fault("", ErrTwoEnds, "the package has a second end record; different programs would read different contents")
	}
	return fault("", ErrHidden, "the directory does not end where the end record begins")
}

// noEnd returns the reason why there is no end record at the end of the file.
func (r reader) noEnd() error {
	from := max(0, r.size-none16-2*endLen)
	if r.hasEnd(from, r.size-endLen+4) {
		return fault("", ErrTrailing, "there is data after the end record, or it has a comment")
	}
	head, err := r.at(0, 4, "")
	if err == nil && le.Uint32(head) == sigLocal || r.hasEnd(from, r.size) {
		return fault("", ErrTruncated, "the end record is missing or incomplete; the file was truncated")
	}
	return fault("", ErrFormat, "the file is not a ZIP archive, and therefore not a package")
}

// hasEnd reports whether an end record begins in a range of the file.
func (r reader) hasEnd(from, to int64) bool {
	b, err := r.at(from, to-from, "")
	return err == nil && bytes.Contains(b, le.AppendUint32(nil, sigEnd))
}

// volume reports whether the number of a volume denotes one of several volumes.
func volume(n uint16) bool { return n != 0 && n != none16 }

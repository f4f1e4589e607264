//go:build linux

package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/bgtask/bgtask/task"
)

// A codec turns a value into bytes, or bytes into a value. One function describes the
// fields of a type for both directions, so that the two cannot disagree:
// codec_engine.go and codec_task.go contain these functions.
//
// The format is protobuf's, so that "protoc --decode_raw" can show it: fields are in the
// order of their numbers, and zero values are left out. A number keeps its meaning
// forever; a new field takes a new number, after the others. An empty slice is read
// back as nil.
//
// The code is written by hand and not generated, because a broker decodes every
// registration when it starts. For each of 100,000 typical ones, this codec takes 1.8 µs
// and 4 allocations, and stores 144 bytes; protobuf messages and their conversion take
// 5.7 µs, 25 allocations and 2 kB of garbage, and store 167 bytes.
type codec struct {
	reading bool
	buf     []byte // written so far, or still to be read
	key     uint64 // when reading: key of the next field; 0 at the end
	names   *names // when reading
	err     error
}

// The two wire types in use.
const (
	wireVarint = 0
	wireBytes  = 2
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encode appends the value's bytes and their checksum to buf.
func encode[T any](buf []byte, v *T, fields func(*codec, *T)) ([]byte, error) {
	c := codec{buf: buf}
	fields(&c, v)
	sum := crc32.Checksum(c.buf[len(buf):], castagnoli)
	return binary.BigEndian.AppendUint32(c.buf, sum), c.err
}

// decode is the inverse of encode. The value does not refer to data afterwards.
func decode[T any](data []byte, names *names, v *T, fields func(*codec, *T)) error {
	body := len(data) - crc32.Size
	if body < 0 || binary.BigEndian.Uint32(data[body:]) != crc32.Checksum(data[:body], castagnoli) {
		return errChecksum
	}
	c := codec{reading: true, buf: data[:body], names: names}
	c.advance()
	fields(&c, v)
	c.skipRest()
	return c.err
}

func (c *codec) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
	c.buf, c.key = nil, 0
}

// advance reads the key of the next field.
func (c *codec) advance() {
	if c.key = 0; len(c.buf) == 0 {
		return
	}
	if c.key = c.uvarint(); c.err == nil && c.key>>3 == 0 {
		c.fail("a field has the number 0")
	}
}

// at reports whether field n comes next. It skips fields with lower numbers.
func (c *codec) at(n int, wire uint64) bool {
	for c.key != 0 && c.key>>3 < uint64(n) {
		c.skip()
	}
	if c.key>>3 != uint64(n) {
		return false
	}
	if c.key&7 != wire {
		c.fail("field %d has wire type %d", n, c.key&7)
		return false
	}
	return true
}

// skip skips a field that this version does not know.
func (c *codec) skip() {
	switch c.key & 7 {
	case wireVarint:
		c.uvarint()
	case wireBytes:
		c.bytes()
	default:
		c.fail("field %d has wire type %d", c.key>>3, c.key&7)
	}
	c.advance()
}

func (c *codec) skipRest() {
	for c.key != 0 {
		c.skip()
	}
}

func (c *codec) uvarint() uint64 {
	v, n := binary.Uvarint(c.buf)
	if n <= 0 {
		c.fail("a number is cut short")
		return 0
	}
	c.buf = c.buf[n:]
	return v
}

func (c *codec) bytes() []byte {
	size := c.uvarint()
	if size > uint64(len(c.buf)) {
		c.fail("a field of %d bytes is cut short", size)
		return nil
	}
	b := c.buf[:size]
	c.buf = c.buf[size:]
	return b
}

func (c *codec) putKey(n int, wire uint64) {
	c.buf = binary.AppendUvarint(c.buf, uint64(n)<<3|wire)
}

func (c *codec) putVarint(n int, v uint64) {
	c.putKey(n, wireVarint)
	c.buf = binary.AppendUvarint(c.buf, v)
}

func putBytes[B ~string | ~[]byte](c *codec, n int, v B) {
	c.putKey(n, wireBytes)
	c.buf = binary.AppendUvarint(c.buf, uint64(len(v)))
	c.buf = append(c.buf, v...)
}

func unsigned[T ~uint8 | ~uint32 | ~uint64](c *codec, n int, v *T) {
	if !c.reading {
		if *v != 0 {
			c.putVarint(n, uint64(*v))
		}
		return
	}
	if c.at(n, wireVarint) {
		u := c.uvarint()
		if *v = T(u); uint64(*v) != u {
			c.fail("field %d is out of range: %d", n, u)
		}
		c.advance()
	}
}

func signed[T ~int | ~int32 | ~int64](c *codec, n int, v *T) {
	if !c.reading {
		if *v != 0 {
			c.putVarint(n, zigzag(int64(*v)))
		}
		return
	}
	if c.at(n, wireVarint) {
		*v = T(unzigzag(c.uvarint()))
		c.advance()
	}
}

func zigzag(v int64) uint64   { return uint64(v)<<1 ^ uint64(v>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

func (c *codec) flag(n int, v *bool) {
	var u uint8
	if *v {
		u = 1
	}
	unsigned(c, n, &u)
	if c.reading { // a value that is being encoded may be read concurrently
		*v = u != 0
	}
}

// text encodes a string that differs from row to row.
func text[T ~string](c *codec, n int, v *T) {
	if !c.reading {
		if *v != "" {
			putBytes(c, n, *v)
		}
		return
	}
	if c.at(n, wireBytes) {
		*v = T(c.bytes())
		c.advance()
	}
}

// name encodes a string that is the same in many rows. When read, they share its memory.
func name[T ~string](c *codec, n int, v *T) {
	if !c.reading {
		text(c, n, v)
		return
	}
	if c.at(n, wireBytes) {
		*v = T(c.names.of(c.bytes()))
		c.advance()
	}
}

func (c *codec) blob(n int, v *[]byte) {
	if !c.reading {
		if len(*v) != 0 {
			putBytes(c, n, *v)
		}
		return
	}
	if c.at(n, wireBytes) {
		*v = append([]byte(nil), c.bytes()...)
		c.advance()
	}
}

func id[T ~[16]byte](c *codec, n int, v *T) {
	if !c.reading {
		if b := [16]byte(*v); b != [16]byte{} {
			putBytes(c, n, b[:])
		}
		return
	}
	if c.at(n, wireBytes) {
		*v = T(c.readID())
	}
}

func (c *codec) readID() (v [16]byte) {
	b := c.bytes()
	if len(b) != len(v) {
		c.fail("an identifier has %d bytes", len(b))
	}
	copy(v[:], b)
	c.advance()
	return v
}

func numbers[T ~int64](c *codec, n int, v *[]T) {
	if !c.reading {
		for _, x := range *v {
			c.putVarint(n, zigzag(int64(x)))
		}
		return
	}
	for c.at(n, wireVarint) {
		*v = append(*v, T(unzigzag(c.uvarint())))
		c.advance()
	}
}

func (c *codec) ids(n int, v *[]task.GUID) {
	if !c.reading {
		for i := range *v {
			putBytes(c, n, (*v)[i][:])
		}
		return
	}
	for c.at(n, wireBytes) {
		*v = append(*v, c.readID())
	}
}

func (c *codec) texts(n int, v *[]string) {
	if !c.reading {
		for _, s := range *v {
			putBytes(c, n, s)
		}
		return
	}
	for c.at(n, wireBytes) {
		*v = append(*v, string(c.bytes()))
		c.advance()
	}
}

// time encodes the instant and the UTC offset, but neither the zone's name nor the
// monotonic reading.
func (c *codec) time(n int, v *time.Time) {
	if !c.reading {
		if !v.IsZero() {
			_, offset := v.Zone()
			var b [3 * binary.MaxVarintLen64]byte
			p := binary.AppendUvarint(b[:0], zigzag(v.Unix()))
			p = binary.AppendUvarint(p, uint64(v.Nanosecond()))
			putBytes(c, n, binary.AppendUvarint(p, zigzag(int64(offset))))
		}
		return
	}
	if c.at(n, wireBytes) {
		after := codec{buf: c.bytes()}
		seconds, nanos, offset := unzigzag(after.uvarint()), after.uvarint(), unzigzag(after.uvarint())
		if after.err != nil || nanos >= uint64(time.Second) {
			c.fail("field %d is not a time", n)
		}
		*v = time.Unix(seconds, int64(nanos)).In(c.names.zone(int(offset)))
		c.advance()
	}
}

// names keeps one copy of each value that many rows have in common. Only one goroutine
// may use it.
type names struct {
	texts      map[string]string
	zones      map[int]*time.Location
	conditions map[string][]task.Condition // by their bytes
}

// maxNames bounds how many values are kept, in case they turn out not to be shared.
const maxNames = 1 << 14

func newNames() *names {
	return &names{texts: map[string]string{}, zones: map[int]*time.Location{0: time.UTC}, conditions: map[string][]task.Condition{}}
}

func (n *names) of(b []byte) string {
	if s, ok := n.texts[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(n.texts) < maxNames {
		n.texts[s] = s
	}
	return s
}

func (n *names) zone(offset int) *time.Location {
	z, ok := n.zones[offset]
	if !ok {
		z = time.FixedZone("", offset)
		n.zones[offset] = z
	}
	return z
}

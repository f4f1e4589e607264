package task

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// jsonReader reads one JSON value whose shape is known. It is here because the
// broker decodes every registration when it starts, a million at most. The first
// fault is kept in err; after it every call returns zero.
//
// It is strict where a mistake would be lost in silence: a member that it does
// not know is refused, for it was written by a newer version or mistyped.
type jsonReader struct {
	b   []byte
	i   int
	err error
}

func (r *jsonReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = &Error{Err: ErrInvalid, Detail: "JSON: " + fmt.Sprintf(format, args...) + " at byte " + strconv.Itoa(r.i)}
	}
	r.i = len(r.b)
}

// end refuses what follows the value.
func (r *jsonReader) end() error {
	if r.err == nil && r.peek() != 0 {
		r.fail("something follows the value")
	}
	return r.err
}

// peek skips white space and returns the next byte; 0 at the end.
func (r *jsonReader) peek() byte {
	for r.i < len(r.b) {
		switch c := r.b[r.i]; c {
		case ' ', '\t', '\n', '\r':
			r.i++
		case 0:
			r.fail("a NUL")
		default:
			return c
		}
	}
	return 0
}

func (r *jsonReader) expect(c byte) bool {
	if r.peek() != c {
		r.fail("%q is expected", c)
		return false
	}
	r.i++
	return true
}

func (r *jsonReader) word(word string) bool {
	if len(r.b)-r.i >= len(word) && string(r.b[r.i:r.i+len(word)]) == word {
		r.i += len(word)
		return true
	}
	return false
}

// null consumes a null, which is the zero value everywhere.
func (r *jsonReader) null() bool {
	return r.peek() == 'n' && r.word("null")
}

// object calls member for every key; member reads the value, or returns false.
func (r *jsonReader) object(member func(key string) bool) {
	if r.null() || !r.expect('{') {
		return
	}
	if r.peek() == '}' {
		r.i++
		return
	}
	for r.err == nil {
		key := r.raw()
		if !r.expect(':') {
			return
		}
		if !member(string(key)) { // does not escape: no copy
			r.fail("an unknown member %q", clip(string(key), 64))
			return
		}
		if r.peek() != ',' {
			r.expect('}')
			return
		}
		r.i++
	}
}

// list calls element for every element of an array.
func (r *jsonReader) list(element func()) {
	if r.null() || !r.expect('[') {
		return
	}
	if r.peek() == ']' {
		r.i++
		return
	}
	for r.err == nil {
		element()
		if r.peek() != ',' {
			r.expect(']')
			return
		}
		r.i++
	}
}

// raw reads a string; the bytes are part of the input where they can be.
func (r *jsonReader) raw() []byte {
	if !r.expect('"') {
		return nil
	}
	start, plain, ascii := r.i, true, true
	for ; r.i < len(r.b); r.i++ {
		switch c := r.b[r.i]; {
		case c == '"':
			s := r.b[start:r.i]
			r.i++
			if !ascii && !utf8.Valid(s) {
				r.fail("a string that is not UTF-8")
				return nil
			}
			if !plain {
				return r.unescape(r.b[start-1 : r.i])
			}
			return s
		case c == '\\':
			plain = false
			r.i++
		case c < ' ':
			r.fail("a control character")
			return nil
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	r.fail("a string without an end")
	return nil
}

func (r *jsonReader) unescape(quoted []byte) []byte {
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		r.fail("a bad escape in a string")
		return nil
	}
	return []byte(s)
}

func (r *jsonReader) text() string {
	if r.null() {
		return ""
	}
	return string(r.raw())
}

func (r *jsonReader) texts() (all []string) {
	r.list(func() { all = append(all, r.text()) })
	return all
}

func (r *jsonReader) textMap() (m map[string]string) {
	r.object(func(key string) bool {
		if m == nil {
			m = map[string]string{}
		}
		m[key] = r.text()
		return true
	})
	return m
}

func (r *jsonReader) bool() bool {
	switch {
	case r.null(), r.word("false"):
		return false
	case r.word("true"):
		return true
	}
	r.fail("true or false is expected")
	return false
}

// digits reads at most most digits.
func (r *jsonReader) digits(most int) (n uint64, count int) {
	for r.i < len(r.b) && r.b[r.i] >= '0' && r.b[r.i] <= '9' {
		if count++; count > most {
			r.fail("a number with too many digits")
			return 0, 0
		}
		n = n*10 + uint64(r.b[r.i]-'0')
		r.i++
	}
	return n, count
}

// whole reads the digits before a decimal point.
func (r *jsonReader) whole(most int) (n uint64, ok bool) {
	start := r.i
	n, count := r.digits(most)
	return n, count == 1 || count > 1 && r.b[start] != '0'
}

// integer reads a whole number in [least, most].
func (r *jsonReader) integer(least, most int64) int64 {
	if r.null() {
		return 0
	}
	negative := r.peek() == '-'
	if negative {
		r.i++
	}
	n, ok := r.whole(18)
	v := int64(n)
	if negative {
		v = -v
	}
	if r.err == nil && (!ok || v < least || v > most) {
		r.fail("a whole number from %d to %d is expected", least, most)
		return 0
	}
	return v
}

func (r *jsonReader) int() int       { return int(r.integer(math.MinInt32, math.MaxInt32)) }
func (r *jsonReader) uint32() uint32 { return uint32(r.integer(0, math.MaxUint32)) }

// seconds reads a number of seconds with at most nine decimals.
func (r *jsonReader) seconds() time.Duration {
	if r.null() {
		return 0
	}
	negative := r.peek() == '-'
	if negative {
		r.i++
	}
	whole, ok := r.whole(10)
	var fraction uint64
	if ok && r.i < len(r.b) && r.b[r.i] == '.' {
		r.i++
		var decimals int
		fraction, decimals = r.digits(9)
		ok = decimals > 0
		for ; decimals < 9; decimals++ {
			fraction *= 10
		}
	}
	n := whole*uint64(time.Second) + fraction
	switch {
	case r.err == nil && (!ok || n > math.MaxInt64): // ten digits of seconds cannot wrap n
		r.fail("a number of seconds is expected")
		return 0
	case negative:
		return -time.Duration(n)
	}
	return time.Duration(n)
}

func (r *jsonReader) guid() (g GUID) {
	if r.null() {
		return g
	}
	s := r.raw()
	if r.err != nil {
		return g
	}
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		r.fail("a GUID is expected")
		return g
	}
	for _, part := range [...]struct{ to, from, end int }{{0, 0, 8}, {4, 9, 13}, {6, 14, 18}, {8, 19, 23}, {10, 24, 36}} {
		if _, err := hex.Decode(g[part.to:], s[part.from:part.end]); err != nil {
			r.fail("a GUID is expected")
			return GUID{}
		}
	}
	return g
}

func (r *jsonReader) time() (t time.Time) {
	if r.null() {
		return t
	}
	if err := t.UnmarshalText(r.raw()); err != nil && r.err == nil {
		r.fail("a time like 2026-11-23T14:28:20Z is expected")
		return time.Time{}
	}
	return t.UTC()
}

func (r *jsonReader) bytes() []byte {
	if r.null() {
		return nil
	}
	p, err := base64.StdEncoding.AppendDecode(nil, r.raw())
	if err != nil {
		r.fail("base64 is expected")
		return nil
	}
	return p
}

// enum reads the name of an enumeration's value.
func enum[T any](r *jsonReader, parse func(string) (T, error)) (v T) {
	if r.null() {
		return v
	}
	name := r.text()
	if r.err != nil {
		return v
	}
	v, err := parse(name)
	if err != nil {
		r.fail("%v", err)
	}
	return v
}

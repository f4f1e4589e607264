package task

import (
	"encoding/base64"
	"strconv"
	"time"
	"unicode/utf8"
)

// jsonWriter appends one JSON value to b. Two forms come from the same code: the
// long one, of --json, has every member; the short one, the store's, leaves out
// members that are zero. Both are read by jsonReader.
type jsonWriter struct {
	b      []byte
	short  bool
	redact bool // without the arguments and the environment of commands
}

// A jsonValue is what can write itself.
type jsonValue interface{ appendJSON(w *jsonWriter) }

func marshalJSON(v jsonValue) ([]byte, error) {
	w := &jsonWriter{b: make([]byte, 0, 512)}
	v.appendJSON(w)
	return w.b, nil
}

func (w *jsonWriter) open(c byte)  { w.b = append(w.b, c) }
func (w *jsonWriter) close(c byte) { w.b = append(w.b, c) }
func (w *jsonWriter) null()        { w.b = append(w.b, "null"...) }

func (w *jsonWriter) comma() {
	if last := w.b[len(w.b)-1]; last != '{' && last != '[' {
		w.b = append(w.b, ',')
	}
}

// key begins a member. Keys are constants that need no escape.
func (w *jsonWriter) key(key string) {
	w.comma()
	w.b = append(w.b, '"')
	w.b = append(w.b, key...)
	w.b = append(w.b, '"', ':')
}

// member begins a member and says whether its value is to be written by the
// caller: what is not known is null, and left out of the short form.
func (w *jsonWriter) member(key string, known bool) bool {
	if known || !w.short {
		w.key(key)
	}
	if !known && !w.short {
		w.null()
	}
	return known
}

// text writes a string; an empty one is unknown.
func (w *jsonWriter) text(key, s string) {
	if w.member(key, s != "") {
		w.string(s)
	}
}

func (w *jsonWriter) bool(key string, v bool) {
	if v || !w.short {
		w.key(key)
		w.b = strconv.AppendBool(w.b, v)
	}
}

func (w *jsonWriter) int(key string, n int) {
	if n != 0 || !w.short {
		w.key(key)
		w.b = strconv.AppendInt(w.b, int64(n), 10)
	}
}

func (w *jsonWriter) uint(key string, n uint64) {
	if n != 0 || !w.short {
		w.key(key)
		w.b = strconv.AppendUint(w.b, n, 10)
	}
}

// number is the number beside an enumeration's name, which the short form does
// not need.
func (w *jsonWriter) number(key string, n int, known bool) {
	if !w.short && w.member(key, known) {
		w.b = strconv.AppendInt(w.b, int64(n), 10)
	}
}

func (w *jsonWriter) guid(key string, g GUID) {
	if w.member(key, !g.IsZero()) {
		var text [36]byte
		g.put(&text)
		w.b = append(w.b, '"')
		w.b = append(w.b, text[:]...)
		w.b = append(w.b, '"')
	}
}

func (w *jsonWriter) time(key string, t time.Time) {
	if w.member(key, !t.IsZero()) {
		w.b = append(w.b, '"')
		w.b = t.UTC().AppendFormat(w.b, time.RFC3339Nano)
		w.b = append(w.b, '"')
	}
}

// seconds writes a duration exactly: 900, 0.25.
func (w *jsonWriter) seconds(key string, d time.Duration) {
	if d == 0 && w.short {
		return
	}
	w.key(key)
	w.duration(d)
}

func (w *jsonWriter) duration(d time.Duration) {
	n := uint64(d)
	if d < 0 {
		w.b = append(w.b, '-')
		n = -n
	}
	w.b = strconv.AppendUint(w.b, n/uint64(time.Second), 10)
	if fraction := n % uint64(time.Second); fraction != 0 {
		at := len(w.b)
		w.b = strconv.AppendUint(w.b, fraction+uint64(time.Second), 10) // "1" and nine digits
		w.b[at] = '.'
		for w.b[len(w.b)-1] == '0' {
			w.b = w.b[:len(w.b)-1]
		}
	}
}

func (w *jsonWriter) uintValue(n uint64) { w.b = strconv.AppendUint(w.b, n, 10) }

// enum writes the name of an enumeration's value, when there is one.
func (w *jsonWriter) enum(key, name string, known bool) {
	if w.member(key, known) {
		w.string(name)
	}
}

// condition writes a condition; nil is null.
func (w *jsonWriter) condition(key string, c Condition) {
	if w.member(key, c != nil) {
		w.conditionValue(c)
	}
}

// conditionValue writes a condition's class, what belongs to it, and WinRT's number
// where it has one.
func (w *jsonWriter) conditionValue(c Condition) {
	c, orUnknown := CutUnknown(c)
	w.open('{')
	w.text("type", c.Class())
	if c, ok := c.(SystemCondition); ok {
		row, known := c.Row()
		w.enum("condition", c.String(), true)
		w.number("condition_number", int(c), known && row.Windows)
	}
	w.bool("run_if_unknown", orUnknown)
	w.close('}')
}

func (w *jsonWriter) guids(key string, all []GUID) {
	w.key(key)
	w.open('[')
	for _, g := range all {
		w.comma()
		w.string(g.String())
	}
	w.close(']')
}

func (w *jsonWriter) value(key string, v jsonValue) {
	w.key(key)
	v.appendJSON(w)
}

// list writes an array, empty when there is nothing: never null.
func list[T jsonValue](w *jsonWriter, key string, all []T) {
	w.key(key)
	w.open('[')
	for _, v := range all {
		w.comma()
		v.appendJSON(w)
	}
	w.close(']')
}

func (w *jsonWriter) bytes(key string, p []byte) {
	if w.member(key, len(p) > 0) {
		w.b = append(w.b, '"')
		w.b = base64.StdEncoding.AppendEncode(w.b, p)
		w.b = append(w.b, '"')
	}
}

func (w *jsonWriter) texts(key string, all []string) {
	if len(all) == 0 && w.short {
		return
	}
	w.key(key)
	w.open('[')
	for _, s := range all {
		w.comma()
		w.string(s)
	}
	w.close(']')
}

func (w *jsonWriter) textMap(key string, m map[string]string) {
	if len(m) == 0 && w.short {
		return
	}
	w.key(key)
	w.open('{')
	for _, k := range sortedKeys(m) {
		w.comma()
		w.string(k)
		w.b = append(w.b, ':')
		w.string(m[k])
	}
	w.close('}')
}

const hexDigits = "0123456789abcdef"

// string writes s; what is not UTF-8 in it becomes U+FFFD.
func (w *jsonWriter) string(s string) {
	w.b = append(w.b, '"')
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		size := 1
		switch {
		case c == '\n':
			w.b = append(append(w.b, s[done:i]...), '\\', 'n')
		case c == '"' || c == '\\':
			w.b = append(append(w.b, s[done:i]...), '\\', c)
		case c < ' ' || c == 0x7f:
			w.b = append(append(w.b, s[done:i]...), '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		case c < utf8.RuneSelf:
			i++
			continue
		default:
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			w.b = append(append(w.b, s[done:i]...), "\ufffd"...)
		}
		i += size
		done = i
	}
	w.b = append(append(w.b, s[done:]...), '"')
}

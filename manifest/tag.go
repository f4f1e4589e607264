package manifest

import "strings"

// rawTag is a start tag as written. The decoder tells no line of an attribute
// and does not say which prefix it had.
type rawTag struct {
	name  string
	attrs []rawAttr
}

type rawAttr struct {
	name  string
	value string // between the quotes, references not replaced
	at    int    // its offset in the tag
}

const space = " \t\r\n"

// scanTag takes a start tag apart which the decoder has accepted. It says no
// where an attribute follows the one before without a space.
func scanTag(tag string) (rawTag, bool) {
	rest := strings.TrimPrefix(tag, "<")
	end := strings.IndexAny(rest, space+"/>")
	if end < 0 {
		return rawTag{}, false
	}
	t := rawTag{name: rest[:end]}
	rest = rest[end:]
	for {
		trimmed := strings.TrimLeft(rest, space)
		gap := rest[:len(rest)-len(trimmed)]
		if trimmed == "" || trimmed[0] == '/' || trimmed[0] == '>' {
			return t, true
		}
		if gap == "" {
			return t, false
		}
		a, length := scanAttr(trimmed)
		if length == 0 {
			return t, false
		}
		a.at = len(tag) - len(trimmed)
		t.attrs = append(t.attrs, a)
		rest = trimmed[length:]
	}
}

// scanAttr reads name="value" at the start of s and says how long it is, 0 for
// none.
func scanAttr(s string) (rawAttr, int) {
	name, value, ok := strings.Cut(s, "=")
	if !ok {
		return rawAttr{}, 0
	}
	value = strings.TrimLeft(value, space)
	if value == "" {
		return rawAttr{}, 0
	}
	end := strings.IndexByte(value[1:], value[0])
	if end < 0 {
		return rawAttr{}, 0
	}
	length := len(s) - len(value) + end + 2
	return rawAttr{name: strings.TrimRight(name, space), value: value[1 : end+1]}, length
}

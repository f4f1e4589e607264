package manifest

import "strings"

// rawTag is a start tag as written. The XML decoder reports neither the positions
// of attributes nor the prefixes used, so the tag is scanned again.
type rawTag struct {
	name  string
	attrs []rawAttr
}

type rawAttr struct {
	name  string
	value string // the text between the quotes, with references unexpanded
	at    int    // offset in the tag
}

const space = " \t\r\n"

// scanTag scans a start tag that the decoder accepted. It returns false if there
// is no space between two attributes, which the decoder permits.
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

// scanAttr scans name="value" at the start of s and returns its length, or 0 if
// there is none.
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

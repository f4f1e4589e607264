package msix

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escaped are the ASCII characters that are percent-encoded in names. All other
// characters are encoded too.
const escaped = " !#$%&'()+,;=@[]^`{}"

const hexDigits = "0123456789ABCDEF"

// encodeName returns the name as it is written in the package's directory.
func encodeName(name string) string {
	if name == contentTypesName {
		return name
	}
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if c >= utf8.RuneSelf || strings.IndexByte(escaped, c) >= 0 {
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// decodeName is the inverse of encodeName. It decodes only once: %2520 becomes
// %20, not a space.
func decodeName(raw string) (string, error) {
	if raw == contentTypesName {
		return raw, nil
	}
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c >= utf8.RuneSelf:
			return "", fault(raw, ErrName, "contains a byte that must be percent-encoded")
		case c != '%':
			b.WriteByte(c)
			continue
		case i+2 >= len(raw) || unhex(raw[i+1]) < 0 || unhex(raw[i+2]) < 0:
			return "", fault(raw, ErrName, "contains a %% that is not followed by two hexadecimal digits")
		}
		c = byte(unhex(raw[i+1])<<4 | unhex(raw[i+2]))
		if c == '/' || c == '\\' {
			return "", fault(raw, ErrName, "contains a percent-encoded slash")
		}
		b.WriteByte(c)
		i += 2
	}
	return b.String(), nil
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// checkName rejects names that cannot be used for a file in a package folder, on
// Windows or on Linux. The name has slashes.
func checkName(name string) error {
	switch {
	case name == "":
		return fault(name, ErrName, "a part has no name")
	case !utf8.ValidString(name):
		return fault(name, ErrName, "is not valid UTF-8")
	case len(name) > MaxName:
		return fault(name, ErrName, "is longer than %d bytes", MaxName)
	case name[0] == '/' || name[0] == '\\':
		return fault(name, ErrName, "is absolute; a package's files are relative to its folder")
	case len(name) > 1 && name[1] == ':':
		return fault(name, ErrName, "has a drive letter; a package's files are relative to its folder")
	case strings.HasSuffix(name, "/"):
		return fault(name, ErrName, "is a folder; a package may contain only files")
	}
	if name == contentTypesName {
		return nil
	}
	for segment := range strings.SplitSeq(name, "/") {
		if problem := checkSegment(segment); problem != "" {
			return fault(name, ErrName, "%s", problem)
		}
	}
	return checkReserved(name)
}

func checkSegment(s string) string {
	switch {
	case s == "":
		return "has an empty part"
	case s == "." || s == "..":
		return "has a part " + s + ", which is not allowed"
	case len(s) > 255:
		return "has a part of more than 255 bytes"
	case strings.HasSuffix(s, "."):
		return "has a part that ends in a dot, which Windows removes"
	case strings.HasSuffix(s, " "):
		return "has a part that ends in a space, which Windows removes"
	case isDevice(s):
		return "has a part that is a Windows device name"
	}
	for _, r := range s {
		switch {
		case unicode.IsControl(r):
			return "contains a control character"
		case strings.ContainsRune("\"*/:<>?|\\", r):
			return "contains one of \" * : < > ? | \\"
		}
	}
	return ""
}

// isDevice reports whether Windows interprets the name as a device. It ignores
// the extension and spaces before it.
func isDevice(s string) bool {
	base, _, _ := strings.Cut(s, ".")
	base = strings.ToUpper(strings.TrimRight(base, " "))
	switch base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	digit, port := strings.CutPrefix(base, "COM")
	if !port {
		digit, port = strings.CutPrefix(base, "LPT")
	}
	return port && utf8.RuneCountInString(digit) == 1 && strings.Contains("123456789¹²³", digit)
}

// checkReserved rejects names in the folders that Windows fills itself.
func checkReserved(name string) error {
	if name == catalogName {
		return nil
	}
	folder, _, nested := strings.Cut(fold(name), "/")
	switch {
	case !nested:
		return nil
	case folder == fold("AppxMetadata"):
		return fault(name, ErrName, "is in AppxMetadata, which is reserved for the packer")
	case folder == fold("Microsoft.System.Package.Metadata"):
		return fault(name, ErrName, "is in Microsoft.System.Package.Metadata, which is reserved for Windows")
	}
	return nil
}

// fold maps names that are equal on Windows to the same string.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, name)
}

// names finds files that cannot be in the same folder on Windows.
type names struct {
	files   map[string]string // by folded name: the name as written
	folders map[string]string // by folded name: a file in the folder
}

func newNames() *names {
	return &names{files: make(map[string]string), folders: make(map[string]string)}
}

func (n *names) add(name string) error {
	key := fold(name)
	if other, taken := n.files[key]; taken {
		if other == name {
			return fault(name, ErrDuplicate, "is in the package twice")
		}
		return fault(name, ErrDuplicate, "differs only in case from %s; on Windows both are the same file", show(other))
	}
	if other, taken := n.folders[key]; taken {
		return fault(name, ErrDuplicate, "is a file and also the folder of %s", show(other))
	}
	n.files[key] = name
	for dir := path.Dir(key); dir != "."; dir = path.Dir(dir) {
		if other, taken := n.files[dir]; taken {
			return fault(name, ErrDuplicate, "is in a folder that is also the file %s", show(other))
		}
		if _, known := n.folders[dir]; known {
			break
		}
		n.folders[dir] = name
	}
	return nil
}

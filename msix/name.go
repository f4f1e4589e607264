package msix

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escaped are the characters of a name that stand percent-encoded in a package,
// beside all that are not ASCII.
const escaped = " !#$%&'()+,;=@[]^`{}"

const hexDigits = "0123456789ABCDEF"

// encodeName is the name as the package's directory has it.
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

// decodeName is encodeName backwards. It decodes once: %2520 is %20, not a space.
func decodeName(raw string) (string, error) {
	if raw == contentTypesName {
		return raw, nil
	}
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c >= utf8.RuneSelf:
			return "", fault(raw, ErrName, "holds a byte that should be percent-encoded")
		case c != '%':
			b.WriteByte(c)
			continue
		case i+2 >= len(raw) || unhex(raw[i+1]) < 0 || unhex(raw[i+2]) < 0:
			return "", fault(raw, ErrName, "holds a %% that two hexadecimal digits do not follow")
		}
		c = byte(unhex(raw[i+1])<<4 | unhex(raw[i+2]))
		if c == '/' || c == '\\' {
			return "", fault(raw, ErrName, "hides a slash behind a %%")
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

// checkName refuses what is no name of a file in a package folder on Windows or
// here. The name has slashes.
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
		return fault(name, ErrName, "is a folder; a package has only files")
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
		return "has a part " + s + ", which leads elsewhere"
	case len(s) > 255:
		return "has a part of more than 255 bytes"
	case strings.HasSuffix(s, "."):
		return "has a part that ends in a dot, which Windows drops"
	case strings.HasSuffix(s, " "):
		return "has a part that ends in a space, which Windows drops"
	case isDevice(s):
		return "has a part that is a device of Windows"
	}
	for _, r := range s {
		switch {
		case unicode.IsControl(r):
			return "holds a control character"
		case strings.ContainsRune("\"*/:<>?|\\", r):
			return "holds one of \" * : < > ? | \\"
		}
	}
	return ""
}

// isDevice says whether Windows takes the name for a device, whatever its
// extension and the spaces before that.
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

// checkReserved keeps the folders that Windows itself fills.
func checkReserved(name string) error {
	if name == catalogName {
		return nil
	}
	folder, _, nested := strings.Cut(fold(name), "/")
	switch {
	case !nested:
		return nil
	case folder == fold("AppxMetadata"):
		return fault(name, ErrName, "is in AppxMetadata, which is kept for the packer")
	case folder == fold("Microsoft.System.Package.Metadata"):
		return fault(name, ErrName, "is in Microsoft.System.Package.Metadata, which is kept for Windows")
	}
	return nil
}

// fold makes names equal that Windows does not tell apart.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, name)
}

// names finds files that could not lie in one folder.
type names struct {
	files   map[string]string // folded: as written
	folders map[string]string
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
		return fault(name, ErrDuplicate, "differs only in case from %s; Windows has one file for both", show(other))
	}
	if other, taken := n.folders[key]; taken {
		return fault(name, ErrDuplicate, "is a file, and the folder of %s too", show(other))
	}
	n.files[key] = name
	for dir := path.Dir(key); dir != "."; dir = path.Dir(dir) {
		if other, taken := n.files[dir]; taken {
			return fault(name, ErrDuplicate, "lies in a folder that is also the file %s", show(other))
		}
		if _, known := n.folders[dir]; known {
			break
		}
		n.folders[dir] = name
	}
	return nil
}

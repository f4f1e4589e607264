package manifest

import "strings"

const extension = ".exe"

// packagePath is filePath for an executable, which must end in .exe.
func packagePath(v string) (rel, problem string) {
	rel, problem = filePath(v)
	if problem != "" {
		return "", problem
	}
	last := rel[strings.LastIndexByte(rel, '/')+1:]
	switch {
	case !strings.EqualFold(last[max(0, len(last)-len(extension)):], extension):
		return "", "does not end in .exe; on Linux the program file itself may lack the extension"
	case len(last) == len(extension):
		return "", "has no name before .exe"
	}
	return rel, ""
}

// filePath converts a file's path in a manifest to one with slashes, relative to
// the package folder. The problem, if any, says what is wrong with it.
func filePath(v string) (rel, problem string) {
	switch {
	case !length(v, 1, 256):
		return "", "is not a path of 1 to 256 characters"
	case strings.TrimSpace(v) != v:
		return "", "begins or ends with white space"
	case len(v) > 1 && v[1] == ':':
		return "", "has a drive letter; a path starts at the package folder"
	case v[0] == '/' || v[0] == '\\':
		return "", "is absolute; a path starts at the package folder"
	case strings.Contains(v, "/") && strings.Contains(v, `\`):
		return "", `mixes \ and /; use one of them`
	case strings.ContainsFunc(v, forbidden):
		return "", `contains a control character or one of < > " : % | ? *`
	}
	rel = strings.ReplaceAll(v, `\`, "/")
	for _, s := range strings.Split(rel, "/") {
		switch {
		case s == "..":
			return "", "leaves the package folder"
		case s == "":
			return "", "has an empty part"
		case strings.HasSuffix(s, "."):
			return "", "has a part that ends in a dot"
		}
	}
	return rel, ""
}

func forbidden(r rune) bool {
	return r < ' ' || r == 0x7f || strings.ContainsRune(`<>":%|?*`, r)
}

// without removes the .exe from a path returned by packagePath.
func without(rel string) string { return rel[:len(rel)-len(extension)] }

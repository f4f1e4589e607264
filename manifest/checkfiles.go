package manifest

import "strings"

// fileSet are the files of a package, whatever the case of their names.
type fileSet struct {
	names   map[string]bool
	folders map[string][]string // the names in each folder
}

func newFileSet(names []string) fileSet {
	s := fileSet{map[string]bool{}, map[string][]string{}}
	for _, name := range names {
		name = strings.ToLower(strings.ReplaceAll(name, `\`, "/"))
		s.names[name] = true
		folder, base := split(name)
		s.folders[folder] = append(s.folders[folder], base)
	}
	return s
}

func split(name string) (folder, base string) {
	i := strings.LastIndexByte(name, '/') + 1
	return name[:i], name[i:]
}

// has knows a file by its own name, or, for a logo, with qualifiers in it: Logo.png
// may be Logo.scale-200.png, and stand in a folder scale-200.
func (s fileSet) has(rel string, qualified bool) bool {
	rel = strings.ToLower(rel)
	if s.names[rel] || !qualified {
		return s.names[rel]
	}
	folder, base := split(rel)
	dot := strings.LastIndexByte(base, '.')
	stem, ext := base[:dot+1], base[dot:]
	for in, names := range s.folders {
		if !strings.HasPrefix(in, folder) {
			continue
		}
		for _, name := range names {
			if in != folder && name == base || strings.HasPrefix(name, stem) && strings.HasSuffix(name, ext) && strings.Contains(name, "-") {
				return true
			}
		}
	}
	return false
}

// files checks that what the manifest names is in the package.
func (c *checker) files() {
	set := newFileSet(c.options.Files)
	if n := c.root.child(foundation, "Properties"); n != nil {
		if logo := n.child(foundation, "Logo"); logo != nil {
			c.logoFile(set, logo.raw, strings.TrimSpace(string(logo.text)), logo.pos)
		}
	}
	visit(c.root, func(n *node) {
		for _, a := range n.attrs {
			switch {
			case a.name.Space == "" && a.name.Local == "Executable":
				c.programFile(set, n, a)
			case a.name.Space == "" && isLogo(a.name.Local):
				c.logoFile(set, n.raw+" "+a.raw, a.value, a.pos)
			}
		}
	})
}

// isLogo knows Square150x150Logo, Wide310x150Logo, BadgeLogo.
func isLogo(attribute string) bool { return strings.HasSuffix(attribute, "Logo") }

func (c *checker) logoFile(set fileSet, where, value string, at pos) {
	rel, problem := filePath(value)
	if problem != "" || logoRule(value) != "" || tokenPattern.MatchString(value) || set.has(rel, true) {
		return
	}
	c.add(at, RuleFile, "%s: the package has no file %s", where, show(rel))
}

func (c *checker) programFile(set fileSet, n *node, a attr) {
	rel, problem := packagePath(a.value)
	if problem != "" || tokenPattern.MatchString(a.value) || set.has(rel, false) || c.options.Linux && set.has(without(rel), false) {
		return
	}
	c.add(a.pos, RuleFile, "%s Executable=\"%s\": the package has no file %s", n.raw, show(a.value), show(rel))
}

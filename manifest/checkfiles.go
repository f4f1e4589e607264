package manifest

import (
	"slices"
	"strings"
)

// fileSet is the set of files of a package. Case does not matter.
type fileSet struct {
	names       map[string]bool
	unqualified map[string]bool // names without resource qualifiers
}

func newFileSet(names []string) fileSet {
	s := fileSet{map[string]bool{}, map[string]bool{}}
	for _, name := range names {
		name = strings.ToLower(strings.ReplaceAll(name, `\`, "/"))
		s.names[name] = true
		s.unqualified[unqualified(name)] = true
	}
	return s
}

// has reports whether the package contains a program under exactly this path.
func (s fileSet) has(rel string) bool { return s.names[strings.ToLower(rel)] }

// hasLogo reports whether the package contains a logo, possibly with qualifiers:
// Logo.png may be present as Logo.scale-200.png or scale-200/Logo.png.
func (s fileSet) hasLogo(rel string) bool { return s.unqualified[unqualified(strings.ToLower(rel))] }

// unqualified removes the parts of a path that may be qualifiers: folders, and
// middle parts of the file name, that contain a dash.
func unqualified(name string) string {
	parts := strings.Split(name, "/")
	last := len(parts) - 1
	words := strings.Split(parts[last], ".")
	if len(words) > 2 {
		middle := slices.DeleteFunc(words[1:len(words)-1:len(words)-1], hasDash)
		words = append(append(words[:1:1], middle...), words[len(words)-1])
	}
	folders := slices.DeleteFunc(parts[:last:last], hasDash)
	return strings.Join(append(folders, strings.Join(words, ".")), "/")
}

func hasDash(s string) bool { return strings.Contains(s, "-") }

// files checks that the programs and logos named in the manifest are in the
// package.
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

// isLogo reports whether an attribute is a logo, such as Square150x150Logo,
// Wide310x150Logo or BadgeLogo.
func isLogo(attribute string) bool { return strings.HasSuffix(attribute, "Logo") }

func (c *checker) logoFile(set fileSet, where, value string, at pos) {
	rel, problem := filePath(value)
	if problem != "" || logoRule(value) != "" || tokenPattern.MatchString(value) || set.hasLogo(rel) {
		return
	}
	c.add(at, RuleFile, "%s: the package has no file %s", where, show(rel))
}

func (c *checker) programFile(set fileSet, n *node, a attr) {
	rel, problem := packagePath(a.value)
	if problem != "" || tokenPattern.MatchString(a.value) || set.has(rel) || c.options.Linux && set.has(without(rel)) {
		return
	}
	c.add(a.pos, RuleFile, "%s Executable=\"%s\": the package has no file %s", n.raw, show(a.value), show(rel))
}

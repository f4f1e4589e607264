package manifest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/bgtask/bgtask/task"
)

// foundation is the namespace of Package, Identity, Application.
const foundation = "http://schemas.microsoft.com/appx/manifest/foundation/windows10"

const maxApplications = 100

var tokenPattern = regexp.MustCompile(`\$[A-Za-z_][A-Za-z0-9_.-]*\$`)

// reader makes a Manifest of a tree.
type reader struct {
	*faults
	root     *node
	m        *Manifest
	declared map[task.GUID]int // line of the class; unique in the package
	refs     []reference
}

func newReader(f *faults, root *node) *reader {
	return &reader{faults: f, root: root, m: &Manifest{File: f.name}, declared: make(map[task.GUID]int)}
}

func (r *reader) readPackage() {
	if r.root.name.Local != "Package" || r.root.name.Space != foundation {
		r.add(r.root.line, "the root element is %s of the namespace %q; it must be Package of %q",
			show(r.root.raw), show(r.root.name.Space), foundation)
		return
	}
	r.tokens(r.root)
	r.readIdentity()
	r.readProperties()
	if !r.readApplications() {
		return
	}
	r.extensions(r.root, "")
	r.resolve()
	r.misplaced(r.root)
	r.ignorable()
	r.warnWindows()
}

func (r *reader) warn(line int, format string, args ...any) {
	r.m.Warnings = append(r.m.Warnings, r.place(line)+": "+fmt.Sprintf(format, args...))
}

// optional gives the value of an attribute and checks it by the rule; "" when it
// is not there. What holds a token can not be checked.
func (r *reader) optional(n *node, name string, check rule) string {
	a := n.attr(name)
	if a == nil {
		return ""
	}
	if tokenPattern.MatchString(a.value) {
		return a.value
	}
	if problem := check(a.value); problem != "" {
		r.add(a.line, "%s %s=\"%s\" %s", n.raw, name, show(a.value), problem)
	}
	return a.value
}

func (r *reader) required(n *node, name string, check rule) string {
	if n.attr(name) == nil {
		r.add(n.line, "%s has no attribute %s", n.raw, name)
	}
	return r.optional(n, name, check)
}

// known refuses attributes of no namespace beside those named: a misspelt
// Arguments would be lost in silence.
func (r *reader) known(n *node, names ...string) {
	for _, a := range n.attrs {
		if a.name.Space == "" && a.name.Local != "xmlns" && !slices.Contains(names, a.name.Local) {
			r.add(a.line, "%s has no attribute %s; it may have %s", n.raw, show(a.name.Local), strings.Join(names, ", "))
		}
	}
}

// only gives the one child of that name, nil when there is none, and refuses a
// second one.
func (r *reader) only(n *node, local string) *node {
	var first *node
	for _, c := range n.children {
		if c.name.Space != foundation || c.name.Local != local {
			continue
		}
		if first != nil {
			r.add(c.line, "%s has a second %s; the first is in line %d", n.raw, c.raw, first.line)
			break
		}
		first = c
	}
	return first
}

func (r *reader) readIdentity() {
	n := r.only(r.root, "Identity")
	if n == nil {
		r.add(r.root.line, "%s has no element Identity", r.root.raw)
		return
	}
	r.known(n, "Name", "Publisher", "Version", "ProcessorArchitecture", "ResourceId")
	r.m.Identity = Identity{
		Name:         r.required(n, "Name", nameRule),
		Publisher:    r.required(n, "Publisher", publisherRule),
		Version:      r.required(n, "Version", versionRule),
		Architecture: r.optional(n, "ProcessorArchitecture", architectureRule),
		ResourceID:   r.optional(n, "ResourceId", resourceRule),
		Line:         n.line,
	}
}

func (r *reader) readProperties() {
	n := r.only(r.root, "Properties")
	if n == nil {
		r.add(r.root.line, "%s has no element Properties", r.root.raw)
		return
	}
	text := func(local string) string {
		c := r.only(n, local)
		if c == nil {
			return ""
		}
		return strings.TrimSpace(string(c.text))
	}
	r.m.Properties = Properties{text("DisplayName"), text("PublisherDisplayName"), text("Description"), text("Logo")}
	name := r.m.Properties.DisplayName
	switch c := n.child(foundation, "DisplayName"); {
	case c == nil:
		r.add(n.line, "%s has no element DisplayName", n.raw)
	case displayNameRule(name) != "":
		r.add(c.line, "%s %q %s", c.raw, show(name), displayNameRule(name))
	}
}

// readApplications says no when there are too many to go on.
func (r *reader) readApplications() bool {
	list := r.only(r.root, "Applications")
	if list == nil {
		return true
	}
	var apps []*node
	for _, n := range list.children {
		if n.name.Space == foundation && n.name.Local == "Application" {
			apps = append(apps, n)
		}
	}
	if len(apps) > maxApplications {
		r.addErr(list.line, task.ErrLimit, fmt.Sprintf("there are more than %d applications", maxApplications))
		return false
	}
	lines := make(map[string]int)
	for _, n := range apps {
		r.readApplication(n, lines)
	}
	return true
}

func (r *reader) readApplication(n *node, lines map[string]int) {
	app := Application{
		ID:         r.required(n, "Id", applicationRule),
		Executable: r.optional(n, "Executable", executableRule),
		EntryPoint: r.optional(n, "EntryPoint", textRule),
		Line:       n.line,
	}
	key := strings.ToLower(app.ID)
	if first, ok := lines[key]; ok && app.ID != "" {
		r.add(n.line, "%s Id=\"%s\" is there twice; the first is in line %d", n.raw, show(app.ID), first)
	} else {
		lines[key] = n.line
	}
	for _, c := range n.children {
		if a := c.attr("DisplayName"); a != nil && c.name.Local == "VisualElements" {
			app.DisplayName = a.value
		}
	}
	r.m.Applications = append(r.m.Applications, app)
	r.extensions(n, app.ID)
}

// tokens finds what a build has still to fill in, anywhere in the document.
func (r *reader) tokens(n *node) {
	for _, a := range n.attrs {
		where := fmt.Sprintf(`%s %s="%s"`, n.raw, a.raw, show(a.value))
		for _, t := range tokenPattern.FindAllString(a.value, -1) {
			r.m.Tokens = append(r.m.Tokens, Token{t, where, a.line})
		}
		if a.value == "x-generate" && n.name.Local == "Resource" && a.name.Local == "Language" {
			r.m.Tokens = append(r.m.Tokens, Token{a.value, where, a.line})
		}
	}
	for _, t := range tokenPattern.FindAllString(string(n.text), -1) {
		r.m.Tokens = append(r.m.Tokens, Token{t, n.raw, n.line})
	}
	for _, c := range n.children {
		r.tokens(c)
	}
}

// ignorable checks that the prefixes of IgnorableNamespaces are declared.
func (r *reader) ignorable() {
	a := r.root.attr("IgnorableNamespaces")
	if a == nil {
		return
	}
	for _, prefix := range strings.Fields(a.value) {
		uri, ok := r.prefix(prefix)
		switch {
		case !ok:
			r.add(a.line, "%s IgnorableNamespaces names %s, and xmlns:%s is missing", r.root.raw, show(prefix), show(prefix))
		case comVersion(uri) > 0 && len(r.m.Servers) > 0:
			r.warn(a.line, "IgnorableNamespaces names %s: a Windows that does not know it drops the class servers in silence", prefix)
		}
	}
}

// prefix gives the namespace that the root element declares for a prefix.
func (r *reader) prefix(prefix string) (string, bool) {
	for _, a := range r.root.attrs {
		if a.name.Space == "xmlns" && a.name.Local == prefix {
			return a.value, true
		}
	}
	return "", false
}

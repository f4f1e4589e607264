package manifest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/bgtask/bgtask/task"
)

const maxApplications = 100

var tokenPattern = regexp.MustCompile(`\$[A-Za-z_][A-Za-z0-9_.-]*\$`)

// reader builds a Manifest from the tree of elements. Every element or attribute
// that it reads into a field is marked as taken; the rest is kept in the Other
// fields.
type reader struct {
	*findings
	root     *node
	m        *Manifest
	declared map[task.GUID]int // line of each class, to find duplicates
	refs     []reference
}

// readPackage reads the whole manifest. It returns false if it had to stop early.
func (r *reader) readPackage() bool {
	if r.root.name.Local != "Package" || r.root.name.Space != foundation {
		r.add(r.root.pos, RuleRoot, "the root element is %s in the namespace %q; it must be Package in %q",
			show(r.root.raw), show(r.root.name.Space), foundation)
		return false
	}
	r.tokens(r.root)
	r.readIdentity()
	r.readProperties()
	r.readDependencies()
	r.readResources()
	if !r.readApplications() {
		return false
	}
	r.extensions(r.root, "")
	r.resolve()
	r.misplaced(r.root)
	r.readCapabilities()
	r.ignorable()
	r.root.take("IgnorableNamespaces")
	r.m.Other = r.root.other()
	return true
}

// take marks an attribute as taken and returns its value, or "" if it is missing.
func (n *node) take(name string) string {
	a := n.attr(name)
	if a == nil {
		return ""
	}
	a.taken = true
	return a.value
}

// optional takes an attribute and checks its value against a rule, unless the
// value contains a token. It returns "" if the attribute is missing.
func (r *reader) optional(n *node, name string, check rule) string {
	v := n.take(name)
	if a := n.attr(name); a != nil && !tokenPattern.MatchString(v) {
		if problem := check.problem(v); problem != "" {
			r.add(a.pos, check.name, "%s %s=\"%s\" %s", n.raw, name, show(v), problem)
		}
	}
	return v
}

// required is optional for an attribute that must be present.
func (r *reader) required(n *node, name string, check rule) string {
	if n.attr(name) == nil {
		r.add(n.pos, RuleMissing, "%s has no attribute %s", n.raw, name)
	}
	return r.optional(n, name, check)
}

// known reports attributes without a namespace that are not among names.
// Otherwise a misspelled Arguments would be ignored silently.
func (r *reader) known(n *node, names ...string) {
	for _, a := range n.attrs {
		if a.name.Space == "" && a.name.Local != "xmlns" && !slices.Contains(names, a.name.Local) {
			r.add(a.pos, RuleUnknown, "%s: unknown attribute %s; allowed are %s", n.raw, show(a.name.Local), strings.Join(names, ", "))
		}
	}
}

// only takes the one child with this name, or nil if there is none, and reports a
// second one.
func (r *reader) only(n *node, local string) *node {
	var first *node
	for _, c := range n.children {
		if c.name.Space != foundation || c.name.Local != local {
			continue
		}
		if first != nil {
			r.add(c.pos, RuleTwice, "%s has a second %s; the first is on line %d", n.raw, c.raw, first.line)
			break
		}
		first = c
		c.taken = true
	}
	return first
}

func (r *reader) readIdentity() {
	n := r.only(r.root, "Identity")
	if n == nil {
		r.add(r.root.pos, RuleMissing, "%s has no element Identity", r.root.raw)
		return
	}
	r.known(n, "Name", "Publisher", "Version", "ProcessorArchitecture", "ResourceId")
	r.m.Identity = Identity{
		Name:         r.required(n, "Name", nameValue),
		Publisher:    r.required(n, "Publisher", publisherValue),
		Version:      r.required(n, "Version", versionValue),
		Architecture: r.optional(n, "ProcessorArchitecture", processorValue),
		ResourceID:   r.optional(n, "ResourceId", resourceValue),
		Line:         n.line,
	}
}

func (r *reader) readProperties() {
	n := r.only(r.root, "Properties")
	if n == nil {
		r.add(r.root.pos, RuleMissing, "%s has no element Properties", r.root.raw)
		return
	}
	text := func(local string) string {
		c := r.only(n, local)
		if c == nil {
			return ""
		}
		return strings.TrimSpace(string(c.text))
	}
	r.m.Properties = Properties{
		DisplayName: text("DisplayName"), PublisherDisplayName: text("PublisherDisplayName"),
		Description: text("Description"), Logo: text("Logo"),
	}
	r.m.Properties.Other = n.other()
	name := r.m.Properties.DisplayName
	switch c := n.child(foundation, "DisplayName"); {
	case c == nil:
		r.add(n.pos, RuleMissing, "%s has no element DisplayName", n.raw)
	case displayNameRule(name) != "":
		r.add(c.pos, RuleDisplayName, "%s %q %s", c.raw, show(name), displayNameRule(name))
	}
}

func (r *reader) readDependencies() {
	n := r.only(r.root, "Dependencies")
	if n == nil {
		return
	}
	for _, c := range n.children {
		if c.name.Space == foundation && c.name.Local == "TargetDeviceFamily" && len(c.children) == 0 {
			c.taken = true
			r.m.Dependencies.Families = append(r.m.Dependencies.Families,
				DeviceFamily{c.take("Name"), c.take("MinVersion"), c.take("MaxVersionTested"), c.line})
		}
	}
	r.m.Dependencies.Other = n.other()
}

func (r *reader) readResources() {
	n := r.only(r.root, "Resources")
	if n == nil {
		return
	}
	for _, c := range n.children {
		if c.name.Space == foundation && c.name.Local == "Resource" {
			r.m.Resources = append(r.m.Resources, Resource{c.take("Language"), c.other()})
		}
	}
}

func (r *reader) readCapabilities() {
	n := r.only(r.root, "Capabilities")
	if n == nil {
		return
	}
	for _, c := range n.children {
		capability := Capability{Space: c.name.Space, Kind: c.name.Local, Name: c.take("Name"), Other: c.other(), Line: c.line}
		if capability.Space == foundation {
			capability.Space = ""
		}
		if capability.Kind == "Capability" {
			capability.Kind = ""
		}
		r.m.Capabilities = append(r.m.Capabilities, capability)
	}
}

// readApplications returns false if there are too many applications to continue.
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
		r.add(list.pos, RuleLimit, "there are more than %d applications", maxApplications)
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
		ID:         r.required(n, "Id", applicationValue),
		Executable: r.optional(n, "Executable", executableValue),
		EntryPoint: r.optional(n, "EntryPoint", textValue),
		Line:       n.line,
	}
	key := strings.ToLower(app.ID)
	if first, ok := lines[key]; ok && app.ID != "" {
		r.add(n.pos, RuleTwice, "%s Id=\"%s\" appears twice; the first is on line %d", n.raw, show(app.ID), first)
	} else {
		lines[key] = n.line
	}
	if c := n.visual(); c != nil {
		c.taken = true
		app.Visual = Visual{
			Space: c.name.Space, DisplayName: c.take("DisplayName"), Description: c.take("Description"), BackgroundColor: c.take("BackgroundColor"),
			Square150x150Logo: c.take("Square150x150Logo"), Square44x44Logo: c.take("Square44x44Logo"),
		}
		app.Visual.Other = c.other()
	}
	r.extensions(n, app.ID)
	app.Other = n.other()
	r.m.Applications = append(r.m.Applications, app)
}

// visual returns the VisualElements of an application, or nil.
func (n *node) visual() *node {
	for _, c := range n.children {
		if c.name.Local == "VisualElements" && c.attr("DisplayName") != nil {
			return c
		}
	}
	return nil
}

// tokens collects the build tokens in the whole document.
func (r *reader) tokens(n *node) {
	for _, a := range n.attrs {
		where := fmt.Sprintf(`%s %s="%s"`, n.raw, a.raw, show(a.value))
		for _, t := range tokenPattern.FindAllString(a.value, -1) {
			r.token(t, where, a.pos)
		}
		if a.value == "x-generate" && n.name.Local == "Resource" && a.name.Local == "Language" {
			r.token(a.value, where, a.pos)
		}
	}
	for _, t := range tokenPattern.FindAllString(string(n.text), -1) {
		r.token(t, n.raw, n.pos)
	}
	for _, c := range n.children {
		r.tokens(c)
	}
}

func (r *reader) token(text, where string, at pos) {
	r.m.Tokens = append(r.m.Tokens, Token{text, where, at.line, at.col})
}

// ignorable checks that the prefixes in IgnorableNamespaces are declared, and
// that class servers cannot be ignored.
func (r *reader) ignorable() {
	a := r.root.attr("IgnorableNamespaces")
	if a == nil {
		return
	}
	for _, prefix := range strings.Fields(a.value) {
		uri, ok := r.prefix(prefix)
		switch {
		case !ok:
			r.add(a.pos, RuleUndeclared, "%s IgnorableNamespaces lists %s, but xmlns:%s is missing", r.root.raw, show(prefix), show(prefix))
		case comVersion(uri) > 0 && len(r.m.Servers) > 0:
			r.add(a.pos, RuleIgnorableCom, "IgnorableNamespaces lists %s: a Windows version that does not know it silently ignores the class servers", prefix)
		}
	}
}

// prefix returns the namespace that the root element declares for a prefix.
func (r *reader) prefix(prefix string) (string, bool) {
	for _, a := range r.root.attrs {
		if a.name.Space == "xmlns" && a.name.Local == prefix {
			return a.value, true
		}
	}
	return "", false
}

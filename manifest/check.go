package manifest

import (
	"slices"
	"strings"
)

// Options control what Check checks. The zero value checks a final manifest by
// itself.
type Options struct {
	Template  bool     // build tokens are allowed; their values are not checked
	Publisher string   // the certificate's subject, as returned by PublisherName; "" to not check it
	Files     []string // the files of the package, with / or \ as separator; nil to not check them
	Linux     bool     // a program's file may lack the .exe of its name in the manifest
}

// Check returns all findings in a manifest, for Linux and for Windows, in file
// order. The Manifest is nil if the file could not be parsed far enough. A
// manifest without findings of severity Error can be installed.
func Check(name string, data []byte, o Options) (*Manifest, []Finding) {
	r, ok := read(name, data)
	if !ok {
		r.sort()
		return nil, r.list
	}
	c := &checker{reader: r, options: o}
	c.check()
	r.sort()
	r.m.Warnings = r.warnings()
	return r.m, r.list
}

// Sound reports whether no finding is an error.
func Sound(all []Finding) bool {
	return !slices.ContainsFunc(all, func(f Finding) bool { return f.Severity == Error })
}

// checker performs the checks that reading a manifest does not need.
type checker struct {
	*reader
	options Options
}

func (c *checker) check() {
	c.windows()
	c.tokensLeft()
	c.foundationOnly(c.root)
	c.identity()
	c.properties()
	c.families()
	c.languages()
	for _, n := range c.list(c.root, "Applications", "Application") {
		c.application(n)
	}
	c.capabilityNames()
	c.namespaces()
	c.newer()
	c.walkCom(c.root)
	c.activatable()
	if c.options.Files != nil {
		c.files()
	}
}

// list returns the children named each of n's child named local, both in the
// foundation namespace.
func (c *checker) list(n *node, local, each string) (all []*node) {
	if outer := n.child(foundation, local); outer != nil {
		for _, child := range outer.children {
			if child.name.Space == foundation && child.name.Local == each {
				all = append(all, child)
			}
		}
	}
	return all
}

func (c *checker) tokensLeft() {
	if c.options.Template {
		return
	}
	for _, t := range c.m.Tokens {
		c.add(pos{t.Line, t.Column}, RuleToken, "%s still contains %s, which the build must replace", t.Where, t.Text)
	}
}

// foundationElements lists the elements that each foundation element may contain.
// Windows rejects a misspelled one; without this check it would be ignored here.
var foundationElements = map[string][]string{
	"Package":      {"Identity", "Properties", "Resources", "Dependencies", "Prerequisites", "Capabilities", "Extensions", "Applications"},
	"Properties":   {"Framework", "DisplayName", "PublisherDisplayName", "Description", "Logo", "ResourcePackage"},
	"Resources":    {"Resource"},
	"Dependencies": {"TargetDeviceFamily", "PackageDependency"},
	"Capabilities": {"Capability", "DeviceCapability"},
	"Applications": {"Application"},
	"Application":  {"Extensions"},
	"Extensions":   {"Extension"},
}

func (c *checker) foundationOnly(n *node) {
	may, ok := foundationElements[n.name.Local]
	if !ok || n.name.Space != foundation {
		return
	}
	for _, child := range n.children {
		switch {
		case child.name.Space != foundation && child.name.Space != "":
		case !slices.Contains(may, child.name.Local):
			c.add(child.pos, RuleElement, "%s is not allowed in %s, which may contain %s", show(child.raw), n.raw, strings.Join(may, ", "))
		default:
			c.foundationOnly(child)
		}
	}
}

func (c *checker) identity() {
	n := c.root.child(foundation, "Identity")
	if n == nil {
		return
	}
	id := c.m.Identity
	if a := n.attr("Version"); a != nil && strings.HasPrefix(a.value, "0.") {
		c.add(a.pos, RuleMajorZero, "Identity Version=\"%s\" begins with 0", show(a.value))
	}
	if (id.Architecture == "" || id.Architecture == "neutral") && c.hasCode() {
		c.add(n.pos, RuleNeutral, "the package contains programs but names no processor architecture")
	}
	if a := n.attr("Publisher"); a != nil && c.options.Publisher != "" && a.value != c.options.Publisher && !tokenPattern.MatchString(a.value) {
		c.add(a.pos, RuleCertificate, "Identity Publisher=\"%s\" is not the subject of the certificate, \"%s\"", show(a.value), show(c.options.Publisher))
	}
}

func (c *checker) hasCode() bool {
	return c.hasProgram() || slices.ContainsFunc(c.m.Applications, func(a Application) bool { return a.Executable != "" })
}

func (c *checker) properties() {
	n := c.root.child(foundation, "Properties")
	if n == nil {
		return
	}
	c.text(n, "PublisherDisplayName", true, displayNameValue)
	c.text(n, "Description", false, descriptionValue)
	c.text(n, "Logo", true, logoValue)
	if logo := n.child(foundation, "Logo"); logo != nil && strings.Contains(string(logo.text), "/") {
		c.add(logo.pos, RuleSlash, "%s \"%s\" uses / as the path separator", logo.raw, show(c.m.Properties.Logo))
	}
}

// text checks an element that contains only text.
func (c *checker) text(parent *node, local string, required bool, check rule) {
	n := parent.child(foundation, local)
	if n == nil {
		if required {
			c.add(parent.pos, RuleMissing, "%s has no element %s", parent.raw, local)
		}
		return
	}
	value := strings.TrimSpace(string(n.text))
	if tokenPattern.MatchString(value) {
		return
	}
	if problem := check.problem(value); problem != "" {
		c.add(n.pos, check.name, "%s \"%s\" %s", n.raw, show(value), problem)
	}
}

func (c *checker) languages() {
	for _, n := range c.list(c.root, "Resources", "Resource") {
		c.optional(n, "Language", languageValue)
	}
}

func (c *checker) application(n *node) {
	visual := n.visual()
	if visual == nil {
		c.add(n.pos, RuleMissing, "%s has no element uap:VisualElements with a DisplayName", n.raw)
		return
	}
	c.required(visual, "DisplayName", displayNameValue)
	c.required(visual, "Description", descriptionValue)
	c.required(visual, "BackgroundColor", colorValue)
	c.required(visual, "Square150x150Logo", logoValue)
	c.required(visual, "Square44x44Logo", logoValue)
	if a := n.attr("EntryPoint"); a != nil && a.value == fullTrustEntry && !c.fullTrust() && !c.hasProgram() {
		c.add(a.pos, RuleFullTrust, "%s EntryPoint=\"%s\" needs the Capability runFullTrust", n.raw, fullTrustEntry)
	}
	c.slash(n, "Executable")
	c.slash(visual, "Square150x150Logo", "Square44x44Logo")
}

const fullTrustEntry = "Windows.FullTrustApplication"

// slash warns about paths with / between folders. The schema allows it, but some
// programs that read manifests do not.
func (c *checker) slash(n *node, attributes ...string) {
	for _, name := range attributes {
		if a := n.attr(name); a != nil && strings.Contains(a.value, "/") {
			c.add(a.pos, RuleSlash, "%s %s=\"%s\" uses / as the path separator", n.raw, name, show(a.value))
		}
	}
}

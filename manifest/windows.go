package manifest

import (
	"slices"
	"strconv"
	"strings"
)

// clsidTasks is the Windows build that introduced tasks with a CLSID, and comFour
// the one that introduced the namespace com4.
const (
	clsidTasks = 19041
	comFour    = 20348
)

// windows reports what works on Linux but not on Windows.
func (r *reader) windows() {
	if !r.hasProgram() {
		return
	}
	if !r.fullTrust() {
		r.add(r.root.pos, RuleFullTrust, "the Capability runFullTrust is missing; Windows requires it to start a class server")
	}
	for _, n := range r.targets() {
		a := n.attr("MinVersion")
		if a == nil {
			continue
		}
		build, ok := windowsBuild(a.value)
		switch {
		case ok && build < clsidTasks:
			r.add(a.pos, RuleMinVersion, "TargetDeviceFamily MinVersion=\"%s\": background tasks with a CLSID need Windows 10.0.%d.0", show(a.value), clsidTasks)
		case ok && build < comFour && r.usesComFour():
			r.add(a.pos, RuleMinVersion, "TargetDeviceFamily MinVersion=\"%s\": the namespace com/windows10/4 needs Windows 10.0.%d.0", show(a.value), comFour)
		}
	}
}

// targets returns the TargetDeviceFamily elements.
func (r *reader) targets() (all []*node) {
	dependencies := r.root.child(foundation, "Dependencies")
	if dependencies == nil {
		return nil
	}
	for _, n := range dependencies.children {
		if n.name.Local == "TargetDeviceFamily" {
			all = append(all, n)
		}
	}
	return all
}

func (r *reader) usesComFour() bool {
	return slices.ContainsFunc(r.m.ComServers, func(c ComServer) bool { return c.Version >= 4 })
}

func (r *reader) hasProgram() bool {
	return slices.ContainsFunc(r.m.Servers, func(s Server) bool { return s.Kind == ExeServer })
}

func (r *reader) fullTrust() bool {
	return slices.ContainsFunc(r.m.Capabilities, func(c Capability) bool { return c.Space == NamespaceRescap && c.Name == "runFullTrust" })
}

// windowsBuild returns the third number of a version 10.0.x.y.
func windowsBuild(version string) (int, bool) {
	parts := strings.Split(version, ".")
	if len(parts) != 4 || parts[0] != "10" || parts[1] != "0" {
		return 0, false
	}
	n, err := strconv.Atoi(parts[2])
	return n, err == nil
}

// deviceFamilies are the known kinds of Windows, and those of MSIX Core for older
// versions.
var deviceFamilies = []string{
	"Windows.Universal", "Windows.Desktop", "Windows.Mobile", "Windows.Xbox", "Windows.Holographic", "Windows.Team", "Windows.IoT", "Windows.IoTUAP",
	"Windows.IoTHeadless", "Windows.Server", "Windows.Core", "Windows.8828080", "MSIXCore.Desktop", "MSIXCore.Server", "Platform.All",
}

func (c *checker) families() {
	n := c.root.child(foundation, "Dependencies")
	if n == nil {
		c.add(c.root.pos, RuleMissing, "%s has no element Dependencies", c.root.raw)
		return
	}
	targets := c.targets()
	if len(targets) == 0 {
		c.add(n.pos, RuleMissing, "%s has no element TargetDeviceFamily", n.raw)
	}
	for _, t := range targets {
		c.required(t, "Name", familyValue)
		least, most := c.required(t, "MinVersion", windowsValue), c.required(t, "MaxVersionTested", windowsValue)
		if a := t.attr("MinVersion"); a != nil && versionPattern.MatchString(least) && versionPattern.MatchString(most) && above(least, most) {
			c.add(a.pos, RuleTested, "%s MinVersion=\"%s\" is above MaxVersionTested=\"%s\"", t.raw, least, most)
		}
	}
}

var (
	windowsValue = rule{RuleTested, versionRule}
	familyValue  = rule{RuleFamily, func(v string) string {
		if !slices.Contains(deviceFamilies, v) {
			return "is not a known device family"
		}
		return ""
	}}
)

// since has the Windows builds that introduced namespaces. Windows rejects a
// package that uses a namespace newer than its MaxVersionTested.
var since = map[string]int{
	NamespaceUAP + "/3": 14393, NamespaceUAP + "/4": 15063, NamespaceUAP + "/5": 16299, NamespaceUAP + "/6": 17134,
	NamespaceUAP + "/7": 17763, NamespaceUAP + "/8": 18362, NamespaceUAP + "/10": 19041, comNamespace: 15063, comNamespace + "/4": comFour,
}

// newer checks that the namespaces in use exist in the version that the package
// was tested with. Only the newest TargetDeviceFamily counts, since it may be the
// one that uses them.
func (c *checker) newer() {
	var newest *attr
	most := 0
	for _, n := range c.targets() {
		if a := n.attr("MaxVersionTested"); a != nil {
			if build, ok := windowsBuild(a.value); ok && build > most {
				newest, most = a, build
			}
		}
	}
	if newest == nil {
		return
	}
	reported := map[string]bool{}
	visit(c.root, func(n *node) {
		uri := n.name.Space
		if build := since[uri]; build > most && !reported[uri] {
			reported[uri] = true
			c.add(n.pos, RuleNewer, "%s uses a namespace introduced in Windows 10.0.%d.0, but MaxVersionTested=\"%s\" is older", n.raw, build, newest.value)
		}
	})
}

// above reports whether version a is greater than version b.
func above(a, b string) bool {
	return slices.Compare(numbers(a), numbers(b)) > 0
}

func numbers(version string) (list []int) {
	for _, part := range strings.Split(version, ".") {
		n, _ := strconv.Atoi(part)
		list = append(list, n)
	}
	return list
}

func (c *checker) capabilityNames() {
	seen := map[string]*node{}
	n := c.root.child(foundation, "Capabilities")
	if n == nil {
		return
	}
	for _, each := range n.children {
		a := each.attr("Name")
		if a == nil {
			if each.name.Local == "Capability" {
				c.add(each.pos, RuleMissing, "%s has no attribute Name", each.raw)
			}
			continue
		}
		if first := seen[each.name.Local+a.value]; first != nil {
			c.add(a.pos, RuleTwice, "%s Name=\"%s\" appears twice; the first is on line %d", each.raw, show(a.value), first.line)
		}
		seen[each.name.Local+a.value] = each
		if space, ok := capabilities[a.value]; each.name.Space == NamespaceRescap && (!ok || space != NamespaceRescap) && !tokenPattern.MatchString(a.value) {
			c.add(a.pos, RuleCapability, "%s Name=\"%s\" is not a known restricted capability", each.raw, show(a.value))
		}
	}
}

// namespaces checks that each prefix in use is listed in IgnorableNamespaces,
// except those of the foundation and of class servers.
func (c *checker) namespaces() {
	ignorable := map[string]bool{}
	if a := c.root.attr("IgnorableNamespaces"); a != nil {
		for _, prefix := range strings.Fields(a.value) {
			if uri, ok := c.prefix(prefix); ok {
				ignorable[uri] = true
			}
		}
	}
	note := func(raw, uri string, at pos) {
		if prefix, _, ok := strings.Cut(raw, ":"); ok && uri != foundation && uri != xmlURI && comVersion(uri) == 0 && !ignorable[uri] {
			ignorable[uri] = true // report it once
			c.add(at, RuleIgnorable, "the prefix %s is used but not listed in IgnorableNamespaces", show(prefix))
		}
	}
	visit(c.root, func(n *node) {
		note(n.raw, n.name.Space, n.pos)
		for _, a := range n.attrs {
			if a.name.Space != "" && a.name.Space != "xmlns" {
				note(a.raw, a.name.Space, a.pos)
			}
		}
	})
}

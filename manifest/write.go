package manifest

import (
	"cmp"
	"slices"
	"strings"
)

// Marshal returns the manifest as readable UTF-8 text. The same content always
// gives the same text: indented by two spaces, with a blank line between
// sections, and with only the namespaces in use, under their conventional
// prefixes. IgnorableNamespaces lists namespaces that some Windows versions may
// not know, except those of class servers: a version that does not know these
// should reject the package, because its tasks could never start.
//
// Parsing the result gives the same Manifest, except for line numbers. Marshal
// does not check the content; use Check for that.
func (m *Manifest) Marshal() ([]byte, error) {
	w := &writer{prefixes: newPrefixes()}
	return w.document(m.tree())
}

// tree returns the manifest as a tree of elements.
func (m *Manifest) tree() *Element {
	root := elementOf("Package")
	root.children(m.identity(), m.properties(), m.dependencies(), m.resources(), m.applications(), m.packageExtensions(), m.capabilities())
	root.other(m.Other)
	return root
}

// elementOf returns an element in the foundation namespace. Attrs are names and
// values, alternating; empty values are omitted.
func elementOf(local string, attrs ...string) *Element { return elementIn(foundation, local, attrs...) }

func elementIn(space, local string, attrs ...string) *Element {
	e := &Element{Space: space, Local: local}
	for i := 0; i+1 < len(attrs); i += 2 {
		if attrs[i+1] != "" {
			e.Attrs = append(e.Attrs, Attr{Local: attrs[i], Value: attrs[i+1]})
		}
	}
	return e
}

// children appends elements, skipping those that are nil.
func (e *Element) children(list ...*Element) {
	for _, c := range list {
		if c != nil {
			e.Children = append(e.Children, *c)
		}
	}
}

func (e *Element) other(o Other) {
	e.Attrs = append(e.Attrs, o.Attrs...)
	e.Children = append(e.Children, o.Elements...)
}

// unlessEmpty returns e, or nil if it has neither attributes nor children.
func (e *Element) unlessEmpty() *Element {
	if len(e.Attrs) == 0 && len(e.Children) == 0 {
		return nil
	}
	return e
}

func (m *Manifest) identity() *Element {
	id := m.Identity
	return elementOf("Identity", "Name", id.Name, "Publisher", id.Publisher, "Version", id.Version,
		"ProcessorArchitecture", id.Architecture, "ResourceId", id.ResourceID)
}

func (m *Manifest) properties() *Element {
	e := elementOf("Properties")
	text := func(local, value string) {
		if value != "" {
			e.Children = append(e.Children, Element{Space: foundation, Local: local, Text: value})
		}
	}
	text("DisplayName", m.Properties.DisplayName)
	text("PublisherDisplayName", m.Properties.PublisherDisplayName)
	text("Description", m.Properties.Description)
	text("Logo", m.Properties.Logo)
	e.other(m.Properties.Other)
	return e
}

func (m *Manifest) dependencies() *Element {
	e := elementOf("Dependencies")
	for _, f := range m.Dependencies.Families {
		e.children(elementOf("TargetDeviceFamily", "Name", f.Name, "MinVersion", f.MinVersion, "MaxVersionTested", f.MaxVersionTested))
	}
	e.other(m.Dependencies.Other)
	return e.unlessEmpty()
}

func (m *Manifest) resources() *Element {
	e := elementOf("Resources")
	for _, r := range m.Resources {
		c := elementOf("Resource", "Language", r.Language)
		c.other(r.Other)
		e.children(c)
	}
	return e.unlessEmpty()
}

func (m *Manifest) capabilities() *Element {
	e := elementOf("Capabilities")
	for _, c := range m.Capabilities {
		one := elementIn(cmp.Or(c.Space, foundation), cmp.Or(c.Kind, "Capability"), "Name", c.Name)
		one.other(c.Other)
		e.children(one)
	}
	return e.unlessEmpty()
}

func (m *Manifest) applications() *Element {
	e := elementOf("Applications")
	for _, a := range m.Applications {
		c := elementOf("Application", "Id", a.ID, "Executable", a.Executable, "EntryPoint", a.EntryPoint)
		c.children(a.Visual.element(), m.extensions(a.ID))
		c.other(a.Other)
		e.children(c)
	}
	return e.unlessEmpty()
}

func (v Visual) element() *Element {
	e := elementIn(cmp.Or(v.Space, NamespaceUAP), "VisualElements", "DisplayName", v.DisplayName, "Description", v.Description,
		"BackgroundColor", v.BackgroundColor, "Square150x150Logo", v.Square150x150Logo, "Square44x44Logo", v.Square44x44Logo)
	e.other(v.Other)
	return e.unlessEmpty()
}

func (m *Manifest) packageExtensions() *Element { return m.extensions("") }

// extensions returns the Extensions of an application, or of the package if
// application is "".
func (m *Manifest) extensions(application string) *Element {
	e := elementOf("Extensions")
	for i, com := range m.comServers() {
		if com.Application == application {
			e.children(m.comExtension(com, i))
		}
	}
	for _, other := range m.Extensions {
		if other.Application == application {
			e.children(&other.Element)
		}
	}
	return e.unlessEmpty()
}

// comServers returns m.ComServers, or, if that is empty, one for each application
// that has servers.
func (m *Manifest) comServers() []ComServer {
	if len(m.ComServers) > 0 {
		return m.ComServers
	}
	var list []ComServer
	for _, s := range m.Servers {
		i := slices.IndexFunc(list, func(c ComServer) bool { return c.Application == s.Application })
		if i < 0 {
			list = append(list, ComServer{Application: s.Application})
		}
	}
	return list
}

func (m *Manifest) comExtension(com ComServer, index int) *Element {
	space := comSpace(com.Version)
	server := elementIn(space, "ComServer")
	for _, s := range m.Servers {
		if len(m.ComServers) > 0 && s.ComServer == index || len(m.ComServers) == 0 && s.Application == com.Application {
			server.children(s.element(space))
		}
	}
	for _, c := range com.Classes {
		server.children(c.element(space))
	}
	server.other(com.Other)
	if com.Version < 2 {
		slices.SortStableFunc(server.Children, func(a, b Element) int { return comRank(a) - comRank(b) })
	}
	e := elementIn(space, "Extension", "Category", "windows.comServer")
	e.Attrs = append(e.Attrs, com.Attrs...)
	e.children(server)
	return e
}

// comOrder is the order of elements in a com:ComServer. Later versions do not
// prescribe an order.
var comOrder = []string{"ExeServer", "SurrogateServer", "TreatAsClass", "ProgId", "ServiceServer"}

// comRank returns the rank of an element in the order of a com:ComServer.
// Elements of com3 follow those of com.
func comRank(e Element) int {
	rank := slices.Index(comOrder, e.Local)
	switch {
	case rank < 0:
		return 3 * len(comOrder)
	case e.Local == "ServiceServer":
		return rank
	case comVersion(e.Space) > 1:
		return rank + len(comOrder)
	}
	return rank
}

func (s *Server) element(outer string) *Element {
	space := outer
	if s.Version > 0 {
		space = comSpace(s.Version)
	}
	e := elementIn(space, string(s.Kind), "Executable", s.Executable, "ServiceName", s.ServiceName, "AppId", s.AppID,
		"DisplayName", s.DisplayName, "Arguments", s.Arguments, "LaunchAndActivationPermission", s.Permission)
	for _, c := range s.Classes {
		e.children(c.element(space))
	}
	e.other(s.Other)
	return e
}

func (c *Class) element(outer string) *Element {
	space := outer
	if c.Version > 0 {
		space = comSpace(c.Version)
	}
	local, name := "Class", c.DisplayName
	if c.Reference {
		local, name = "ClassReference", "" // the class has the name
	}
	e := elementIn(space, local, "Id", cmp.Or(c.Spelling, strings.ToUpper(c.ID.String())), "DisplayName", name)
	e.other(c.Other)
	return e
}

package manifest

import (
	"strings"

	"github.com/bgtask/bgtask/task"
)

// reference is a com4:ClassReference. The class that it names may come later in
// the file, so references are resolved at the end.
type reference struct {
	server int // index in Manifest.Servers
	id     task.GUID
	node   *node
}

// extensions reads the Extensions element of the package or of an application.
// Class servers are read into fields; other extensions are kept unchanged.
func (r *reader) extensions(parent *node, application string) {
	list := r.only(parent, "Extensions")
	if list == nil {
		return
	}
	for _, n := range list.children {
		if comVersion(n.name.Space) == 0 || n.name.Local != "Extension" {
			r.extension(n, application)
			continue
		}
		n.used = true
		if r.required(n, "Category", categoryValue) == "windows.comInterface" {
			r.keepExtension(n, application)
		} else {
			r.comServers(n, application)
		}
	}
}

// extension keeps an extension that has no effect on Linux.
func (r *reader) extension(n *node, application string) {
	e := r.keepExtension(n, application)
	if e.Category != "" {
		r.add(n.pos, RuleExtension, "%s Category=\"%s\" has no effect on Linux", n.raw, show(e.Category))
	}
}

func (r *reader) keepExtension(n *node, application string) Extension {
	e := Extension{Application: application, Element: n.element()}
	e.Category = e.Element.Attr("Category")
	r.m.Extensions = append(r.m.Extensions, e)
	return e
}

func comCategoryRule(v string) string {
	if v != "windows.comServer" && v != "windows.comInterface" {
		return "is neither windows.comServer nor windows.comInterface"
	}
	return ""
}

func (r *reader) comServers(extension *node, application string) {
	var first *node
	for _, n := range extension.children {
		if comVersion(n.name.Space) == 0 || n.name.Local != "ComServer" {
			continue
		}
		n.used, n.taken = true, true
		if first != nil {
			r.add(n.pos, RuleTwice, "%s has a second %s; the first is on line %d", extension.raw, n.raw, first.line)
			continue
		}
		first = n
		r.comServer(extension, n, application)
	}
	if first == nil {
		r.keepExtension(extension, application)
	}
}

func (r *reader) comServer(extension, parent *node, application string) {
	com := ComServer{
		Application: application, Version: comVersion(parent.name.Space), Line: parent.line,
		Attrs: extension.foreignAttrs(func(a *attr) bool { return !a.taken }),
	}
	index := len(r.m.ComServers)
	r.m.ComServers = append(r.m.ComServers, com)
	for _, n := range parent.children {
		if comVersion(n.name.Space) == 0 {
			continue
		}
		switch n.name.Local {
		case "ExeServer", "SurrogateServer", "ServiceServer":
			n.used, n.taken = true, true
			r.server(n, Kind(n.name.Local), index)
		case "Class":
			n.used = true
			if c, ok := r.class(n); ok {
				n.taken = true
				c.Version = sameVersion(comVersion(n.name.Space), com.Version)
				com.Classes = append(com.Classes, c)
			}
		case "TreatAsClass":
			if _, ok := r.class(n); ok {
				r.add(n.pos, RuleUnsupported, "%s is not supported on Linux and declares no class", n.raw)
			}
		}
	}
	com.Other = parent.other()
	r.m.ComServers[index] = com
}

func (r *reader) server(n *node, kind Kind, com int) {
	s := Server{
		Kind:        kind,
		Application: r.m.ComServers[com].Application,
		ComServer:   com,
		Version:     sameVersion(comVersion(n.name.Space), r.m.ComServers[com].Version),
		DisplayName: r.optional(n, "DisplayName", displayNameValue),
		Permission:  r.optional(n, "LaunchAndActivationPermission", permissionValue),
		Line:        n.line,
	}
	switch kind {
	case ExeServer:
		r.known(n, "Executable", "Arguments", "DisplayName", "LaunchAndActivationPermission")
		s.Executable = r.required(n, "Executable", executableValue)
		s.Arguments = r.optional(n, "Arguments", textValue)
	case SurrogateServer:
		s.AppID = r.optional(n, "AppId", guidValue)
		r.add(n.pos, RuleUnsupported, "%s is not started on Linux: its classes are in a DLL", n.raw)
	case ServiceServer:
		s.ServiceName = r.required(n, "ServiceName", textValue)
		s.Arguments = r.optional(n, "Arguments", textValue)
		r.add(n.pos, RuleUnsupported, "%s is not started on Linux: it is a Windows service", n.raw)
	}
	r.m.Servers = append(r.m.Servers, s)
	r.serverClasses(n, len(r.m.Servers)-1)
	r.m.Servers[len(r.m.Servers)-1].Other = n.other()
}

// sameVersion returns 0 for an element with the same version as its parent.
func sameVersion(own, outer int) int {
	if own == outer {
		return 0
	}
	return own
}

func (r *reader) serverClasses(parent *node, server int) {
	s := &r.m.Servers[server]
	served := false
	for _, n := range parent.children {
		if comVersion(n.name.Space) == 0 {
			continue
		}
		switch n.name.Local {
		case "Class":
			served = true
			if c, ok := r.class(n); ok {
				n.taken = true
				c.Version = sameVersion(comVersion(n.name.Space), comVersion(parent.name.Space))
				s.Classes = append(s.Classes, c)
			}
		case "ClassReference":
			served = true
			if id, ok := r.guid(n); ok && s.Kind == ExeServer {
				n.taken = true
				r.refs = append(r.refs, reference{server, id, n})
			}
		}
	}
	if !served && s.Kind == ExeServer && comVersion(parent.name.Space) < 4 {
		r.add(parent.pos, RuleNoClass, "%s serves no class; it needs a Class element", parent.raw)
	}
}

// class reads a Class element. It returns false if the element is rejected or its
// Id is a token.
func (r *reader) class(n *node) (Class, bool) {
	c := Class{DisplayName: r.optional(n, "DisplayName", displayNameValue), Line: n.line}
	id, ok := r.guid(n)
	if !ok {
		return c, false
	}
	c.ID, c.Other = id, n.other()
	c.Spelling = spelling(n.attr("Id").value)
	if first, ok := r.declared[id]; ok {
		r.add(n.attr("Id").pos, RuleClassTwice, "%s Id=\"%s\" is declared twice; the first is on line %d", n.raw, n.attr("Id").value, first)
		return c, false
	}
	r.declared[id] = n.attr("Id").line
	return c, true
}

// spelling returns how an id is written, or "" for the usual upper case.
func spelling(id string) string {
	if id == strings.ToUpper(id) {
		return ""
	}
	return id
}

func (r *reader) guid(n *node) (task.GUID, bool) {
	text := r.required(n, "Id", guidValue)
	if guidRule(text) != "" {
		return task.GUID{}, false
	}
	id, err := task.ParseGUID(text)
	return id, err == nil
}

// resolve adds the classes that servers refer to, to those servers.
func (r *reader) resolve() {
	classes := make(map[task.GUID]Class)
	for _, com := range r.m.ComServers {
		for _, c := range com.Classes {
			classes[c.ID] = c
		}
	}
	served := make(map[task.GUID]int)
	for _, ref := range r.refs {
		id := ref.node.attr("Id")
		c, ok := classes[ref.id]
		if !ok {
			r.add(id.pos, RuleReference, "%s Id=\"%s\" does not refer to a Class in a ComServer", ref.node.raw, id.value)
			continue
		}
		if first, ok := served[ref.id]; ok {
			r.add(id.pos, RuleClassTwice, "%s Id=\"%s\" is served twice; the first is on line %d", ref.node.raw, id.value, first)
			continue
		}
		served[ref.id] = id.line
		c.Reference, c.Other, c.Spelling = true, ref.node.other(), spelling(id.value)
		c.Version = sameVersion(comVersion(ref.node.name.Space), comVersion(ref.node.parent.name.Space))
		s := &r.m.Servers[ref.server]
		s.Classes = append(s.Classes, c)
	}
}

// misplaced reports elements that look like parts of a class server but were not
// read. Without it a server could be missing without any message.
func (r *reader) misplaced(n *node) {
	for _, c := range n.children {
		home, ok := homes[c.name.Local]
		isCom := comVersion(c.name.Space) > 0
		switch {
		case ok && isCom && !c.used:
			r.add(c.pos, RulePlace, "%s is in %s but belongs in %s", c.raw, n.raw, home)
		case !isCom && (ok && c.name.Local != "Extension" || c.name.Local == "Class" && n.used):
			r.add(c.pos, RuleNamespace, "%s has the namespace %q; it must have %q or a later one", c.raw, show(c.name.Space), comNamespace)
		case c.name.Local == "Class" && isCom && comVersion(n.name.Space) == 0:
			r.add(c.pos, RulePlace, "%s is in %s but belongs in ExeServer", c.raw, n.raw)
		default:
			r.misplaced(c)
		}
	}
}

var homes = map[string]string{
	"Extension":       "the Extensions of an Application or of the Package",
	"ComServer":       `an Extension of Category "windows.comServer"`,
	"ExeServer":       "ComServer",
	"SurrogateServer": "ComServer",
	"ServiceServer":   "ComServer",
}

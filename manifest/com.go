package manifest

import (
	"strconv"
	"strings"

	"github.com/bgtask/bgtask/task"
)

// comNamespace is the first of the com namespaces; the later ones add /2, /3, ...
const comNamespace = "http://schemas.microsoft.com/appx/manifest/com/windows10"

// comVersion is the number of a com namespace, 0 of any other.
func comVersion(uri string) int {
	rest, ok := strings.CutPrefix(uri, comNamespace)
	switch {
	case !ok:
		return 0
	case rest == "":
		return 1
	case rest[0] != '/':
		return 0
	}
	n, err := strconv.Atoi(rest[1:])
	if err != nil || n < 2 {
		return 0
	}
	return n
}

// reference is a com4:ClassReference; what it names may stand behind it.
type reference struct {
	server int // index in Manifest.Servers
	id     task.GUID
	node   *node
}

// extensions reads the class servers in the Extensions of the package or of an
// application.
func (r *reader) extensions(parent *node, application string) {
	list := r.only(parent, "Extensions")
	if list == nil {
		return
	}
	for _, n := range list.children {
		if comVersion(n.name.Space) == 0 || n.name.Local != "Extension" {
			continue
		}
		n.used = true
		if r.required(n, "Category", comCategoryRule) != "windows.comInterface" {
			r.comServers(n, application)
		}
	}
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
		n.used = true
		if first != nil {
			r.add(n.line, "%s has a second %s; the first is in line %d", extension.raw, n.raw, first.line)
			continue
		}
		first = n
		r.comServer(n, application)
	}
}

func (r *reader) comServer(parent *node, application string) {
	for _, n := range parent.children {
		if comVersion(n.name.Space) == 0 {
			continue
		}
		switch n.name.Local {
		case "ExeServer", "SurrogateServer", "ServiceServer":
			n.used = true
			r.server(n, Kind(n.name.Local), application)
		case "Class":
			n.used = true
			if c, ok := r.class(n); ok {
				r.m.Classes = append(r.m.Classes, c)
			}
		case "TreatAsClass":
			if _, ok := r.class(n); ok {
				r.warn(n.line, "%s is not supported here and makes no class", n.raw)
			}
		}
	}
}

func (r *reader) server(n *node, kind Kind, application string) {
	s := Server{
		Kind:        kind,
		Application: application,
		DisplayName: r.optional(n, "DisplayName", displayNameRule),
		Permission:  r.optional(n, "LaunchAndActivationPermission", permissionRule),
		Line:        n.line,
	}
	switch kind {
	case ExeServer:
		r.known(n, "Executable", "Arguments", "DisplayName", "LaunchAndActivationPermission")
		s.Executable = r.required(n, "Executable", executableRule)
		s.Arguments = r.optional(n, "Arguments", textRule)
	case SurrogateServer:
		s.AppID = r.optional(n, "AppId", guidRule)
		r.warn(n.line, "%s is not started here: its classes live in a DLL", n.raw)
	case ServiceServer:
		s.ServiceName = r.required(n, "ServiceName", textRule)
		s.Arguments = r.optional(n, "Arguments", textRule)
		r.warn(n.line, "%s is not started here: it is a service of Windows", n.raw)
	}
	r.m.Servers = append(r.m.Servers, s)
	r.serverClasses(n, len(r.m.Servers)-1)
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
				s.Classes = append(s.Classes, c)
			}
		case "ClassReference":
			served = true
			if id, ok := r.guid(n); ok && s.Kind == ExeServer {
				r.refs = append(r.refs, reference{server, id, n})
			}
		}
	}
	if !served && s.Kind == ExeServer && comVersion(parent.name.Space) < 4 {
		r.add(parent.line, "%s serves no class; it needs an element Class", parent.raw)
	}
}

// class reads a declaration; false when it is refused, or its Id is a token.
func (r *reader) class(n *node) (Class, bool) {
	c := Class{DisplayName: r.optional(n, "DisplayName", displayNameRule), Line: n.line}
	id, ok := r.guid(n)
	if !ok {
		return c, false
	}
	c.ID = id
	if first, ok := r.declared[id]; ok {
		r.add(n.attr("Id").line, "%s Id=\"%s\" is declared twice; the first is in line %d", n.raw, n.attr("Id").value, first)
		return c, false
	}
	r.declared[id] = n.attr("Id").line
	return c, true
}

func (r *reader) guid(n *node) (task.GUID, bool) {
	text := r.required(n, "Id", guidRule)
	if guidRule(text) != "" {
		return task.GUID{}, false
	}
	id, err := task.ParseGUID(text)
	return id, err == nil
}

// resolve gives to the servers the classes that they only refer to.
func (r *reader) resolve() {
	classes := make(map[task.GUID]Class, len(r.m.Classes))
	for _, c := range r.m.Classes {
		classes[c.ID] = c
	}
	served := make(map[task.GUID]int)
	for _, ref := range r.refs {
		id := ref.node.attr("Id")
		c, ok := classes[ref.id]
		if !ok {
			r.add(id.line, "%s Id=\"%s\" names no Class of a ComServer", ref.node.raw, id.value)
			continue
		}
		if first, ok := served[ref.id]; ok {
			r.add(id.line, "%s Id=\"%s\" is served twice; the first is in line %d", ref.node.raw, id.value, first)
			continue
		}
		served[ref.id] = id.line
		s := &r.m.Servers[ref.server]
		s.Classes = append(s.Classes, c)
	}
}

// misplaced finds what looks like a class server and was not read: it would be
// missing without a word.
func (r *reader) misplaced(n *node) {
	for _, c := range n.children {
		home, ok := homes[c.name.Local]
		isCom := comVersion(c.name.Space) > 0
		switch {
		case ok && isCom && !c.used:
			r.add(c.line, "%s stands in %s; it belongs in %s", c.raw, n.raw, home)
		case !isCom && (ok && c.name.Local != "Extension" || c.name.Local == "Class" && n.used):
			r.add(c.line, "%s is of the namespace %q; it must be of %q or a later one", c.raw, show(c.name.Space), comNamespace)
		case c.name.Local == "Class" && isCom && comVersion(n.name.Space) == 0:
			r.add(c.line, "%s stands in %s; it belongs in ExeServer", c.raw, n.raw)
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

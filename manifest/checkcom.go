package manifest

import (
	"slices"
	"strings"

	"github.com/bgtask/bgtask/task"
)

// walkCom checks all ComServer elements below n.
func (c *checker) walkCom(n *node) {
	if comVersion(n.name.Space) > 0 && n.name.Local == "ComServer" && n.used {
		c.comServerContent(n)
		return
	}
	for _, child := range n.children {
		c.walkCom(child)
	}
}

func (c *checker) comServerContent(n *node) {
	if comVersion(n.name.Space) == 1 {
		c.order(n)
	}
	for _, server := range n.children {
		if comVersion(server.name.Space) == 0 {
			continue
		}
		switch server.name.Local {
		case string(ExeServer):
			c.slash(server, "Executable")
			if server.attr("Arguments") == nil {
				c.add(server.pos, RuleArguments, "%s has no Arguments, so the program cannot distinguish a launch to serve from a start by the user", server.raw)
			}
		case string(SurrogateServer):
			for _, class := range server.children {
				if class.name.Local == "Class" {
					c.required(class, "Path", libraryValue)
					c.required(class, "ThreadingModel", threadingValue)
				}
			}
		}
	}
	c.references(n)
}

// libraryValue checks the path of a DLL.
var libraryValue = rule{RuleExecutable, func(v string) string { _, problem := filePath(v); return problem }}

var threadingValue = rule{RuleText, func(v string) string {
	if !slices.Contains([]string{"Both", "STA", "MTA", "MainSTA", "Neutral"}, v) {
		return "is not one of Both, STA, MTA, MainSTA, Neutral"
	}
	return ""
}}

// order checks that the elements of a ComServer in the first com namespace are in
// the prescribed order.
func (c *checker) order(n *node) {
	var last *node
	for _, child := range n.children {
		e := Element{Space: child.name.Space, Local: child.name.Local}
		if last != nil && comRank(e) < comRank(Element{Space: last.name.Space, Local: last.name.Local}) {
			c.add(child.pos, RuleOrder, "%s must come before %s", child.raw, last.raw)
			return
		}
		last = child
	}
}

// references checks that classes and ProgIds refer only to elements of the same
// ComServer.
func (c *checker) references(n *node) {
	classes, programs := map[string]bool{}, map[string]bool{}
	visit(n, func(e *node) {
		id := e.attr("Id")
		if id == nil || comVersion(e.name.Space) == 0 {
			return
		}
		switch e.name.Local {
		case "Class", "TreatAsClass":
			classes[strings.ToLower(id.value)] = true
		case "ProgId":
			programs[id.value] = true
		}
	})
	look := func(e *node, name, what string, found func(string) bool) {
		if a := e.attr(name); a != nil && !found(a.value) && !tokenPattern.MatchString(a.value) {
			c.add(a.pos, RuleReference, "%s %s=\"%s\" does not refer to a %s in this ComServer", e.raw, name, show(a.value), what)
		}
	}
	class := func(id string) bool { return classes[strings.ToLower(id)] }
	program := func(id string) bool { return programs[id] }
	visit(n, func(e *node) {
		if comVersion(e.name.Space) == 0 {
			return
		}
		switch e.name.Local {
		case "Class":
			look(e, "ProgId", "ProgId", program)
			look(e, "VersionIndependentProgId", "ProgId", program)
			look(e, "AutoConvertTo", "class", class)
		case "TreatAsClass":
			look(e, "TreatAs", "class", class)
			look(e, "AutoConvertTo", "class", class)
		case "ProgId":
			look(e, "CurrentVersion", "ProgId", program)
			look(e, "Clsid", "class", class)
		}
	})
}

// visit calls f for all elements below n, parents before children.
func visit(n *node, f func(*node)) {
	for _, child := range n.children {
		f(child)
		visit(child, f)
	}
}

// activatable checks that the EntryPoint of each windows.backgroundTasks
// extension is an ActivatableClass of the package, as Windows requires. Templates
// are not checked, because the build adds the classes.
func (c *checker) activatable() {
	if c.m.Template() {
		return
	}
	declared := map[string]bool{}
	visit(c.root, func(n *node) {
		if a := n.attr("ActivatableClassId"); a != nil {
			declared[a.value] = true
		}
	})
	visit(c.root, func(n *node) {
		category, entry := n.attr("Category"), n.attr("EntryPoint")
		if n.name.Local == "Extension" && category != nil && category.value == "windows.backgroundTasks" && entry != nil && !declared[entry.value] {
			c.add(entry.pos, RuleActivatable, "%s EntryPoint=\"%s\" is not an ActivatableClass of the package", n.raw, show(entry.value))
		}
	})
}

// CheckClasses compares the classes that a program registers and serves with
// those that the manifest declares for it.
func (m *Manifest) CheckClasses(registered, served []task.GUID) []Finding {
	f := &findings{name: m.File}
	declared := m.classes()
	used := append(slices.Clone(served), registered...)
	for i, id := range used {
		if !slices.Contains(declared, id) && !slices.Contains(used[:i], id) {
			what := "serves"
			if i >= len(served) {
				what = "registers a task with"
			}
			f.add(pos{}, RuleCodeOnly, "the program %s class %v, which no ExeServer declares", what, id)
		}
	}
	if len(served) > 0 {
		for _, s := range m.Servers {
			for _, class := range s.Classes {
				if s.Kind == ExeServer && !slices.Contains(served, class.ID) {
					f.add(pos{line: class.Line, col: 1}, RuleUnserved, "the program does not serve class %v", class.ID)
				}
			}
		}
	}
	return f.list
}

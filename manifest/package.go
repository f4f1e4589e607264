package manifest

import (
	"strings"

	"github.com/bgtask/bgtask/task"
)

// Resolve says which file of this machine a path in the package folder means, and
// whether it is a program that runs here. The path has slashes, is relative, and
// has no part "..". It is the function's task to follow no symbolic link out of
// the folder, and to overlook case where the package wants that.
type Resolve func(rel string) (abs string, ok bool)

// Package makes the package that the manifest describes, installed in folder.
// LocalFolder and Access are left for the caller to fill in. A template is
// refused, with the tokens that are left in it, and so is a class server whose
// program Resolve does not find.
//
// The path SampleBackgroundApp\SampleBackgroundApp.exe means the file
// SampleBackgroundApp/SampleBackgroundApp.exe, and where that is none or does not
// run here, the one without .exe.
func (m *Manifest) Package(folder string, resolve Resolve) (task.Package, error) {
	f := &findings{name: m.File}
	for _, t := range m.Tokens {
		f.add(pos{t.Line, t.Column}, RuleToken, "%s still holds %s, which a build has to fill in", t.Where, t.Text)
	}
	if len(f.list) > 0 {
		return task.Package{}, f.err()
	}
	p := task.Package{
		Family:      m.Identity.FamilyName(),
		Name:        m.Identity.Name,
		Publisher:   m.Identity.Publisher,
		Version:     m.Identity.Version,
		DisplayName: m.displayName(),
		Folder:      folder,
		Warnings:    append([]string(nil), m.Warnings...),
	}
	index := make(map[string]int)
	for _, s := range m.Servers {
		if s.Kind == ExeServer && len(s.Classes) > 0 {
			addServer(&p, index, s.classServer(f, resolve))
		}
	}
	p.Classes = m.classes()
	if err := f.err(); err != nil {
		return task.Package{}, err
	}
	return p, nil
}

// addServer joins servers of the same executable and arguments: they are one,
// and one process serves the classes of all.
func addServer(p *task.Package, index map[string]int, s task.ClassServer) {
	i, ok := index[s.Key()]
	if !ok {
		index[s.Key()] = len(p.Servers)
		p.Servers = append(p.Servers, s)
		return
	}
	p.Servers[i].Classes = append(p.Servers[i].Classes, s.Classes...)
}

func (s *Server) classServer(f *findings, resolve Resolve) task.ClassServer {
	server := task.ClassServer{
		Executable: s.program(f, resolve),
		Arguments:  SplitArguments(s.Arguments),
		Declared:   f.place(s.Line),
	}
	for _, c := range s.Classes {
		server.Classes = append(server.Classes, c.ID)
	}
	return server
}

func (s *Server) program(f *findings, resolve Resolve) string {
	rel, problem := packagePath(s.Executable)
	if problem != "" {
		f.add(pos{line: s.Line}, RuleExecutable, "%s Executable=\"%s\" %s", s.Kind, show(s.Executable), problem)
		return ""
	}
	for _, candidate := range []string{rel, without(rel)} {
		if abs, ok := resolve(candidate); ok {
			return abs
		}
	}
	f.add(pos{line: s.Line}, RuleFile, "%s Executable=\"%s\": the package has no program %s or %s that runs here",
		s.Kind, show(s.Executable), show(rel), show(without(rel)))
	return ""
}

// classes are all that a program of the package may serve. Those of surrogates
// and services are not: no program of the package does.
func (m *Manifest) classes() []task.GUID {
	var ids []task.GUID
	seen := make(map[task.GUID]bool)
	add := func(classes []Class) {
		for _, c := range classes {
			if !seen[c.ID] {
				seen[c.ID] = true
				ids = append(ids, c.ID)
			}
		}
	}
	for _, s := range m.Servers {
		if s.Kind == ExeServer {
			add(s.Classes)
		}
	}
	for _, com := range m.ComServers {
		add(com.Classes)
	}
	return ids
}

// displayName is the package's name for people; a reference into resources says
// nothing to them.
func (m *Manifest) displayName() string {
	if strings.HasPrefix(m.Properties.DisplayName, "ms-resource:") {
		return m.Identity.Name
	}
	return m.Properties.DisplayName
}

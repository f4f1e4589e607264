package manifest

import (
	"strings"

	"github.com/bgtask/bgtask/task"
)

// Resolve maps a path in the package folder to a file on this machine, and
// reports whether it is a program that can run here. The path is relative, with
// slashes and without "..". The function must not follow symbolic links out of
// the folder, and must ignore case if the package requires that.
type Resolve func(rel string) (abs string, ok bool)

// Package returns the package that the manifest describes, installed in folder.
// It leaves LocalFolder and Access for the caller to set. It returns an error for
// a template, listing its tokens, and for a class server whose program Resolve
// does not find.
//
// The path SampleBackgroundApp\SampleBackgroundApp.exe refers to the file
// SampleBackgroundApp/SampleBackgroundApp.exe. If that does not exist or cannot
// run here, it refers to the file without .exe.
func (m *Manifest) Package(folder string, resolve Resolve) (task.Package, error) {
	f := &findings{name: m.File}
	for _, t := range m.Tokens {
		f.add(pos{t.Line, t.Column}, RuleToken, "%s still contains %s, which the build must replace", t.Where, t.Text)
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

// addServer adds a server to the package. Servers with equal executable and
// arguments are merged, because one process serves the classes of all of them.
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
	f.add(pos{line: s.Line}, RuleFile, "%s Executable=\"%s\": the package has no runnable program %s or %s",
		s.Kind, show(s.Executable), show(rel), show(without(rel)))
	return ""
}

// classes returns all classes that a program of the package may serve. It omits
// the classes of surrogates and services, which no program of the package serves.
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

// displayName returns the name to show to users: the DisplayName, or the
// package's name if that is a reference to a resource.
func (m *Manifest) displayName() string {
	if strings.HasPrefix(m.Properties.DisplayName, "ms-resource:") {
		return m.Identity.Name
	}
	return m.Properties.DisplayName
}

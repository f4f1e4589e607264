package wire

import (
	"fmt"

	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// PackageTo converts a package.
func PackageTo(p task.Package) *pb.Package {
	return &pb.Package{
		Family:      text(p.Family),
		Name:        text(p.Name),
		Publisher:   text(p.Publisher),
		Version:     text(p.Version),
		DisplayName: text(p.DisplayName),
		Folder:      text(p.Folder),
		LocalFolder: text(p.LocalFolder),
		Implied:     p.Implied,
		Servers:     mapped(p.Servers, serverTo),
		Classes:     guidsTo(p.Classes),
		Access:      AccessTo(p.Access),
		Warnings:    texts(p.Warnings),
		Origin:      pb.Origin(p.Origin) + 1,
		Content:     text(p.Content),
		Signer:      text(p.Signer),
	}
}

// PackageFrom converts a package.
func PackageFrom(m *pb.Package) (task.Package, error) { return answer(m, (*decoder).pack) }

func (d *decoder) pack(m *pb.Package) task.Package {
	return task.Package{
		Family:      d.text("family", m.GetFamily(), task.MaxName),
		Name:        d.text("name", m.GetName(), task.MaxName),
		Publisher:   d.text("publisher", m.GetPublisher(), maxPublisher),
		Version:     d.text("version", m.GetVersion(), task.MaxName),
		DisplayName: d.text("display_name", m.GetDisplayName(), task.MaxErrorText),
		Folder:      d.text("folder", m.GetFolder(), task.MaxPath),
		LocalFolder: d.text("local_folder", m.GetLocalFolder(), task.MaxPath),
		Implied:     m.GetImplied(),
		Servers:     list(d, "servers", many, m.GetServers(), (*decoder).server),
		Classes:     list(d, "classes", many, m.GetClasses(), (*decoder).class),
		Access:      enum[task.AccessStatus](d, "access", m.GetAccess()),
		Warnings:    d.texts("warnings", m.GetWarnings(), many, task.MaxErrorText),
		Origin:      shifted[task.Origin](d, "origin", m.GetOrigin()),
		Content:     d.text("content", m.GetContent(), task.MaxName),
		Signer:      d.text("signer", m.GetSigner(), maxPublisher),
	}
}

const maxPublisher = 8 << 10 // an X.500 name, as the manifest's schema bounds it

func serverTo(s task.ClassServer) *pb.ClassServer {
	return &pb.ClassServer{
		Executable: text(s.Executable),
		Arguments:  texts(s.Arguments),
		Dir:        text(s.Dir),
		Classes:    guidsTo(s.Classes),
		Declared:   text(s.Declared),
	}
}

func (d *decoder) server(m *pb.ClassServer) task.ClassServer {
	return task.ClassServer{
		Executable: d.text("executable", m.GetExecutable(), task.MaxPath),
		Arguments:  d.texts("arguments", m.GetArguments(), many, task.MaxCommandLine),
		Dir:        d.text("dir", m.GetDir(), task.MaxPath),
		Classes:    list(d, "classes", many, m.GetClasses(), (*decoder).class),
		Declared:   d.text("declared", m.GetDeclared(), task.MaxPath),
	}
}

func (d *decoder) class(s string) task.GUID { return d.guid("class", s) }

// AccessTo converts an access status.
func AccessTo(a task.AccessStatus) pb.AccessStatus { return pb.AccessStatus(a) }

// AccessFrom converts the access status in a request or an answer.
func AccessFrom(n pb.AccessStatus) (task.AccessStatus, error) {
	a := task.AccessStatus(n)
	if _, ok := a.Row(); ok && pb.AccessStatus(a) == n {
		return a, nil
	}
	return 0, &task.Error{Subject: "access", Err: task.ErrInvalid, Detail: fmt.Sprintf("there is no access status number %d", n)}
}

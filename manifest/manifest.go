package manifest

import (
	"fmt"
	"io"

	"github.com/bgtask/bgtask/task"
)

// FileName is the manifest's name in a package folder.
const FileName = "AppxManifest.xml"

// Manifest is what bgtask needs of an AppxManifest.xml.
type Manifest struct {
	File         string // its name in messages and in ClassServer.Declared
	Identity     Identity
	Properties   Properties
	Applications []Application
	Servers      []Server // of every kind, in the order of the file
	Classes      []Class  // declared beside the servers, for references (com4)
	Tokens       []Token  // what a build has still to fill in
	Warnings     []string // what is allowed and probably not meant
}

// Properties is how the package is shown. A value may be a reference into
// resources that only Windows can follow, "ms-resource:Name".
type Properties struct {
	DisplayName          string
	PublisherDisplayName string
	Description          string
	Logo                 string // path in the package
}

// Application is one of the package's programs with an entry in the start menu.
type Application struct {
	ID          string
	Executable  string // as written; "" where the application has none of its own
	EntryPoint  string
	DisplayName string
	Line        int
}

// Kind says how a server of classes is run.
type Kind string

// The kinds, named as their elements.
const (
	ExeServer       Kind = "ExeServer"       // a program; the one kind that is started here
	SurrogateServer Kind = "SurrogateServer" // a DLL in a process of Windows
	ServiceServer   Kind = "ServiceServer"   // a service of Windows
)

// Server is a server of classes: com:ExeServer and its like.
type Server struct {
	Kind        Kind
	Application string // Id of the application in which it stands; "": in the package
	Executable  string // of an ExeServer, as written
	Arguments   string // one string, as written; SplitArguments takes it apart
	DisplayName string
	Permission  string // LaunchAndActivationPermission, an SDDL string; kept for Windows
	AppID       string // of a SurrogateServer
	ServiceName string // of a ServiceServer
	Classes     []Class
	Line        int
}

// Class is a declared class.
type Class struct {
	ID          task.GUID
	DisplayName string
	Line        int
}

// Token is a place which a build has to fill in.
type Token struct {
	Text  string // "$targetnametoken$" or "x-generate"
	Where string // the element and attribute with its value
	Line  int
}

// Template says whether tokens of a build are left in the manifest. A template
// makes no package, and what stands beside a token in a value is not checked.
func (m *Manifest) Template() bool { return len(m.Tokens) > 0 }

// Read is Parse for a stream. It reads at most one byte more than
// task.MaxManifest.
func Read(name string, r io.Reader) (*Manifest, error) {
	data, err := io.ReadAll(io.LimitReader(r, task.MaxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return Parse(name, data)
}

// Parse reads a manifest. The name, usually FileName, is for messages and for
// ClassServer.Declared. Faults come joined, each a *task.Error.
func Parse(name string, data []byte) (*Manifest, error) {
	f := &faults{name: name}
	if len(data) > task.MaxManifest {
		f.addErr(0, task.ErrLimit, fmt.Sprintf("is larger than a manifest may be (%d bytes)", task.MaxManifest))
		return nil, f.err()
	}
	root := parse(f, data)
	if root == nil {
		return nil, f.err()
	}
	r := newReader(f, root)
	r.readPackage()
	if err := f.err(); err != nil {
		return nil, err
	}
	return r.m, nil
}

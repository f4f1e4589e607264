package manifest

import (
	"fmt"
	"io"

	"github.com/bgtask/bgtask/task"
)

// FileName is the manifest's name in a package folder.
const FileName = "AppxManifest.xml"

// Manifest is an AppxManifest.xml. What has no field of its own is kept in the
// Other of its element, and as Extensions, so nothing is lost when it is written
// again but comments and layout.
type Manifest struct {
	File         string // its name in messages and in ClassServer.Declared
	Identity     Identity
	Properties   Properties
	Dependencies Dependencies
	Resources    []Resource
	Applications []Application
	ComServers   []ComServer // the elements in which the Servers stand
	Servers      []Server    // of every kind, in the order of the file
	Extensions   []Extension // all others, of applications and of the package
	Capabilities []Capability
	Other        Other

	Tokens   []Token  // what a build has still to fill in
	Warnings []string // what is allowed and probably not meant
}

// Properties is how the package is shown. A value may be a reference into
// resources that only Windows can follow, "ms-resource:Name".
type Properties struct {
	DisplayName          string
	PublisherDisplayName string
	Description          string
	Logo                 string // path in the package
	Other                Other
}

// Dependencies is what the package needs: which Windows, and in Other which
// packages.
type Dependencies struct {
	Families []DeviceFamily
	Other    Other
}

// DeviceFamily is a TargetDeviceFamily: a kind of Windows that the package runs
// on.
type DeviceFamily struct {
	Name             string // "Windows.Desktop"
	MinVersion       string // "10.0.19041.0"
	MaxVersionTested string
	Line             int
}

// Resource is a language that the package speaks, or in Other a scale.
type Resource struct {
	Language string // "en-us"
	Other    Other
}

// Capability is what the package asks to be allowed.
type Capability struct {
	Space string // "" is the foundation's namespace; NamespaceRescap that of restricted ones
	Kind  string // "" is the element Capability; others are DeviceCapability and CustomCapability
	Name  string // "runFullTrust"
	Other Other
	Line  int
}

// Application is one of the package's programs with an entry in the start menu.
type Application struct {
	ID         string
	Executable string // as written; "" where the application has none of its own
	EntryPoint string
	Visual     Visual
	Other      Other
	Line       int
}

// Visual is how an application is shown: its VisualElements.
type Visual struct {
	Space             string // "" is NamespaceUAP
	DisplayName       string
	Description       string
	BackgroundColor   string
	Square150x150Logo string // path in the package
	Square44x44Logo   string
	Other             Other
}

// ComServer is an element com:ComServer in its com:Extension.
type ComServer struct {
	Application string  // Id of the application in which it stands; "": in the package
	Version     int     // of the com namespace, 1 to 4 and later; 0 is 1
	Classes     []Class // declared beside the servers, for references (com4)
	Attrs       []Attr  // of the Extension
	Other       Other   // of the ComServer: TreatAsClass, ProgId
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
	ComServer   int // index in Manifest.ComServers, where there are any
	Version     int // of the com namespace; 0 is that of its ComServer
	Other       Other
	Line        int
}

// Class is a declared class.
type Class struct {
	ID          task.GUID
	Spelling    string // of the ID in the file, for what refers to it; "" is upper case
	DisplayName string
	Version     int  // of the com namespace; 0 is that of what it stands in
	Reference   bool // a com4:ClassReference to a class of the ComServer
	Other       Other
	Line        int
}

// Extension is one that has no meaning here: it is kept for Windows.
type Extension struct {
	Application string // Id of the application in which it stands; "": in the package
	Category    string // "windows.protocol"
	Element     Element
}

// Token is a place which a build has to fill in.
type Token struct {
	Text  string // "$targetnametoken$" or "x-generate"
	Where string // the element and attribute with its value

	Line, Column int
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
// ClassServer.Declared. It refuses what cannot be understood or would not work
// here; faults come joined, each a *task.Error. Check finds all that is wrong with
// a manifest.
func Parse(name string, data []byte) (*Manifest, error) {
	r, ok := read(name, data)
	if err := r.err(); err != nil || !ok {
		return nil, err
	}
	r.lenient = true
	r.windows()
	r.m.Warnings = r.warnings()
	return r.m, nil
}

// read says no when there is nothing to go on with; the reader has the findings.
func read(name string, data []byte) (*reader, bool) {
	r := &reader{findings: &findings{name: name}, m: &Manifest{File: name}, declared: make(map[task.GUID]int)}
	if len(data) > task.MaxManifest {
		r.add(pos{}, RuleLimit, "is larger than a manifest may be (%d bytes)", task.MaxManifest)
		return r, false
	}
	if r.root = parse(r.findings, data); r.root == nil {
		return r, false
	}
	return r, r.readPackage()
}

package manifest

import (
	"fmt"
	"io"

	"github.com/bgtask/bgtask/task"
)

// FileName is the name of the manifest in a package folder.
const FileName = "AppxManifest.xml"

// Manifest is the content of an AppxManifest.xml. Content without a field is kept
// in the Other field of its element, or as Extensions. Only comments and layout
// are lost when it is written again.
type Manifest struct {
	File         string // the file's name in messages and in ClassServer.Declared
	Identity     Identity
	Properties   Properties
	Dependencies Dependencies
	Resources    []Resource
	Applications []Application
	ComServers   []ComServer // the elements that contain the Servers
	Servers      []Server    // of every kind, in file order
	Extensions   []Extension // all other extensions, of applications and of the package
	Capabilities []Capability
	Other        Other

	Tokens   []Token  // placeholders that a build must replace
	Warnings []string // what is allowed but probably unintended
}

// Properties is how the package is presented to users. A value may be a reference
// to a resource, "ms-resource:Name", which only Windows can resolve.
type Properties struct {
	DisplayName          string
	PublisherDisplayName string
	Description          string
	Logo                 string // path in the package
	Other                Other
}

// Dependencies lists the versions of Windows that the package runs on. Packages
// that it needs are in Other.
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

// Resource is a language that the package supports. A scale is in Other.
type Resource struct {
	Language string // "en-us"
	Other    Other
}

// Capability is a permission that the package requests.
type Capability struct {
	Space string // "" is the foundation namespace; restricted ones are in NamespaceRescap
	Kind  string // "" means Capability; others are DeviceCapability and CustomCapability
	Name  string // "runFullTrust"
	Other Other
	Line  int
}

// Application is a program of the package that has an entry in the start menu.
type Application struct {
	ID         string
	Executable string // as written; "" if the application has none
	EntryPoint string
	Visual     Visual
	Other      Other
	Line       int
}

// Visual is how an application is presented: its VisualElements.
type Visual struct {
	Space             string // "" means NamespaceUAP
	DisplayName       string
	Description       string
	BackgroundColor   string
	Square150x150Logo string // path in the package
	Square44x44Logo   string
	Other             Other
}

// ComServer is an element com:ComServer with its com:Extension.
type ComServer struct {
	Application string  // Id of the application that contains it; "" for the package
	Version     int     // of the com namespace, from 1; 0 means 1
	Classes     []Class // declared next to the servers, for references (com4)
	Attrs       []Attr  // attributes of the Extension
	Other       Other   // content of the ComServer, such as TreatAsClass and ProgId
	Line        int
}

// Kind is how a class server runs.
type Kind string

// The kinds, with the names of their elements.
const (
	ExeServer       Kind = "ExeServer"       // a program; the only kind that is started on Linux
	SurrogateServer Kind = "SurrogateServer" // a DLL in a Windows process
	ServiceServer   Kind = "ServiceServer"   // a Windows service
)

// Server is a class server: com:ExeServer, SurrogateServer or ServiceServer.
type Server struct {
	Kind        Kind
	Application string // Id of the application that contains it; "" for the package
	Executable  string // ExeServer only, as written
	Arguments   string // one string, as written; see SplitArguments
	DisplayName string
	Permission  string // LaunchAndActivationPermission in SDDL; used only by Windows
	AppID       string // SurrogateServer only
	ServiceName string // ServiceServer only
	Classes     []Class
	ComServer   int // index in Manifest.ComServers, if that is not empty
	Version     int // of the com namespace; 0 means that of its ComServer
	Other       Other
	Line        int
}

// Class is a declared class.
type Class struct {
	ID          task.GUID
	Spelling    string // the ID as written in the file; "" means upper case
	DisplayName string
	Version     int  // of the com namespace; 0 means that of its parent
	Reference   bool // whether it is a com4:ClassReference to a class of the ComServer
	Other       Other
	Line        int
}

// Extension is an extension that has no effect on Linux. It is kept for Windows.
type Extension struct {
	Application string // Id of the application that contains it; "" for the package
	Category    string // "windows.protocol"
	Element     Element
}

// Token is a placeholder that a build must replace.
type Token struct {
	Text  string // "$targetnametoken$" or "x-generate"
	Where string // the element, and the attribute with its value

	Line, Column int
}

// Template reports whether the manifest contains build tokens. A template cannot
// be turned into a package, and a value that contains a token is not checked.
func (m *Manifest) Template() bool { return len(m.Tokens) > 0 }

// Read reads a manifest from r, as Parse does. It reads at most one byte more
// than task.MaxManifest.
func Read(name string, r io.Reader) (*Manifest, error) {
	data, err := io.ReadAll(io.LimitReader(r, task.MaxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return Parse(name, data)
}

// Parse parses a manifest. The name, usually FileName, is used in messages and in
// ClassServer.Declared. Parse rejects manifests that cannot be understood or
// would not work here; its error joins a *task.Error for each fault. Use Check to
// find everything that is wrong with a manifest.
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

// read parses a manifest. It returns false if it had to stop early; the reader
// has the findings.
func read(name string, data []byte) (*reader, bool) {
	r := &reader{findings: &findings{name: name}, m: &Manifest{File: name}, declared: make(map[task.GUID]int)}
	if len(data) > task.MaxManifest {
		r.add(pos{}, RuleLimit, "is larger than the size limit of a manifest (%d bytes)", task.MaxManifest)
		return r, false
	}
	if r.root = parse(r.findings, data); r.root == nil {
		return r, false
	}
	return r, r.readPackage()
}

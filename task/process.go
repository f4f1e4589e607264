package task

import (
	"cmp"
	"strconv"
	"strings"
)

// Process identifies a process forever: pids are used again, these three
// together are not.
type Process struct {
	PID   int
	Start uint64 // clock ticks after boot: field 22 of /proc/PID/stat
	Boot  string // /proc/sys/kernel/random/boot_id
}

// IsZero says whether p names no process.
func (p Process) IsZero() bool { return p == Process{} }

// String is "pid 4711".
func (p Process) String() string { return "pid " + strconv.Itoa(p.PID) }

// LaunchToken names one start of a class server. It is in the environment of the
// whole process tree, as BGTASK_TREE.
type LaunchToken GUID

// The environment variables that carry the token. LaunchEnv marks the process that was
// launched. It clears the variable, so that its child processes do not mistake
// themselves for the launched process. TreeEnv stays set, and marks every process that
// belongs to the launch.
const (
	LaunchEnv = "BGTASK_LAUNCH"
	TreeEnv   = "BGTASK_TREE"
)

// String is the token as it stands in the environment.
func (t LaunchToken) String() string { return GUID(t).String() }

// IsZero says whether t names no launch.
func (t LaunchToken) IsZero() bool { return t == LaunchToken{} }

// MarshalText implements encoding.TextMarshaler.
func (t LaunchToken) MarshalText() ([]byte, error) { return GUID(t).MarshalText() }

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *LaunchToken) UnmarshalText(b []byte) error { return (*GUID)(t).UnmarshalText(b) }

// ClassServer is how a server of classes is started: com:ExeServer.
type ClassServer struct {
	Executable string   `json:"executable"` // absolute
	Arguments  []string `json:"arguments"`  // as the manifest declares them
	Dir        string   `json:"dir"`        // working directory, absolute; "": the executable's
	Classes    []GUID   `json:"classes"`    // what it serves
	Declared   string   `json:"declared"`   // where it is declared, "AppxManifest.xml:34"; for people
}

// Key identifies the class server in its package.
func (s ClassServer) Key() string {
	k := s.Executable
	for _, a := range s.Arguments {
		k += "\x00" + a
	}
	return k
}

// Package is an installed application.
type Package struct {
	Family      string        `json:"family"` // "Name_publisherhash"; the identity
	Name        string        `json:"name"`
	Publisher   string        `json:"publisher"`
	Version     string        `json:"version"` // "1.2.3.0"; "" for an implied one
	DisplayName string        `json:"display_name"`
	Folder      string        `json:"folder"`       // where it is installed
	LocalFolder string        `json:"local_folder"` // its data; exists, 0700
	Implied     bool          `json:"implied"`      // made up for a program that belongs to none
	Servers     []ClassServer `json:"servers"`
	Classes     []GUID        `json:"classes"` // all classes that an app of it may serve; those of Servers included
	Access      AccessStatus  `json:"access"`
	Warnings    []string      `json:"warnings"` // of the manifest
	Origin      Origin        `json:"origin"`
	Content     string        `json:"-"`      // a digest of what is installed: equal for equal content; "" when unknown
	Signer      string        `json:"signer"` // subject of the certificate that a package file was signed with; "" for all else
}

// Origin says who keeps the folder of a package, and so who may change it.
type Origin uint8

// The origins.
const (
	OriginFolder Origin = iota // its user: it is registered where it lies
	OriginFile                 // the broker, which extracted it from a package file
	OriginSystem               // the system: a distribution's package put it there
)

var originNames = []string{"folder", "file", "system"}

// String is "folder", "file" or "system".
func (o Origin) String() string {
	if int(o) < len(originNames) {
		return originNames[o]
	}
	return "Origin(" + strconv.Itoa(int(o)) + ")"
}

// CompareVersions orders "1.2.3.0" by its numbers: -1 when a is the earlier one, 1
// when b is. Parts that are missing are 0, and so is what is no number.
func CompareVersions(a, b string) int {
	for a != "" || b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		m, _ := strconv.ParseUint(x, 10, 64)
		n, _ := strconv.ParseUint(y, 10, 64)
		if c := cmp.Compare(m, n); c != 0 {
			return c
		}
	}
	return 0
}

// CommandPackage is the family name of the package of command tasks.
const CommandPackage = "commands"

// CommandClass is the class that serves all command tasks.
var CommandClass = MustGUID("6b1f5d5e-9b0c-4c55-8a5e-2f0f6a8f7c01")

// Server finds the class server that declares class.
func (p *Package) Server(class GUID) (ClassServer, bool) {
	for _, s := range p.Servers {
		for _, c := range s.Classes {
			if c == class {
				return s, true
			}
		}
	}
	return ClassServer{}, false
}

// Declares says whether an application of the package may serve class. An
// implied package serves whatever its program does.
func (p *Package) Declares(class GUID) bool {
	if p.Implied {
		return true
	}
	for _, c := range p.Classes {
		if c == class {
			return true
		}
	}
	_, ok := p.Server(class)
	return ok
}

package declaration

import (
	"path"
	"strings"

	"github.com/bgtask/bgtask/manifest"
	"github.com/bgtask/bgtask/task"
)

// FileName is the name of the declaration, which is next to the program's source.
const FileName = "bgtask.toml"

// Declaration is the content of bgtask.toml. Load and Parse fill in the defaults.
type Declaration struct {
	File string `toml:"-"` // file name for messages
	Dir  string `toml:"-"` // directory that paths are relative to

	Name                 string   `toml:"name"`                   // Identity/@Name, "Contoso.Notes"
	Publisher            string   `toml:"publisher"`              // subject of the signing certificate, "CN=Contoso"
	Version              string   `toml:"version"`                // "1.0.0.0"
	DisplayName          string   `toml:"display_name"`           // default: Name
	PublisherDisplayName string   `toml:"publisher_display_name"` // default: the CN of Publisher
	Description          string   `toml:"description"`            // default: DisplayName
	Language             string   `toml:"language"`               // default: en-us
	Application          string   `toml:"application"`            // Application/@Id; default: App
	Logo                 string   `toml:"logo"`                   // a square picture for all sizes; default: a drawn one
	Background           string   `toml:"background"`             // color of the tiles; default: transparent
	Capabilities         []string `toml:"capabilities"`           // in addition to runFullTrust, which every class server needs
	MinWindows           string   `toml:"min_windows"`            // default: 10.0.19041.0, the first with class ids for tasks
	TestedWindows        string   `toml:"tested_windows"`         // default: 10.0.26100.0

	Executable string            `toml:"executable"`  // path in the package, with slashes and without .exe; default: the last part of Program or Name
	Program    string            `toml:"program"`     // Go package of the program, built for each platform
	BuildFlags []string          `toml:"build_flags"` // flags of go build; default: -trimpath, and no console on Windows
	Programs   map[string]string `toml:"programs"`    // prebuilt programs, by platform such as "linux/amd64"
	Files      []string          `toml:"files"`       // further files and folders, with the same path in the package
	Tasks      []Task            `toml:"tasks"`
}

// Task is a task class of the program.
type Task struct {
	Name      string `toml:"name"`      // display name
	Class     string `toml:"class"`     // CLSID, the EntryPoint of the registrations
	Arguments string `toml:"arguments"` // arguments with which the program is launched to serve it
}

// ID returns the task's class. Load and Parse have checked it; for an invalid
// class it is zero.
func (t Task) ID() task.GUID {
	id, err := task.ParseGUID(t.Class)
	if err != nil {
		return task.GUID{}
	}
	return id
}

// withDefaults fills in the defaults.
func (d *Declaration) withDefaults() {
	def := func(s *string, value string) {
		if *s == "" {
			*s = value
		}
	}
	def(&d.DisplayName, d.Name)
	def(&d.PublisherDisplayName, commonName(d.Publisher))
	def(&d.Description, d.DisplayName)
	def(&d.Language, "en-us")
	def(&d.Application, "App")
	def(&d.Background, "transparent")
	def(&d.MinWindows, "10.0.19041.0")
	def(&d.TestedWindows, "10.0.26100.0")
	if base := path.Base(path.Clean(d.Program)); d.Program != "" && base != "." && base != ".." && base != "/" {
		def(&d.Executable, base)
	}
	def(&d.Executable, lastPart(d.Name))
}

// commonName returns the first value of a publisher, its name for users.
func commonName(publisher string) string {
	_, value, _ := strings.Cut(publisher, "=")
	if quoted, ok := strings.CutPrefix(value, `"`); ok {
		value, _, _ = strings.Cut(quoted, `"`)
		return value
	}
	value, _, _ = strings.Cut(value, ", ")
	return value
}

func lastPart(name string) string { return strings.ToLower(name[strings.LastIndex(name, ".")+1:]) }

// architectures maps Go's names of architectures to those in manifests.
var architectures = map[string]string{"amd64": "x64", "arm64": "arm64", "386": "x86", "arm": "arm", "neutral": "neutral"}

// Architecture returns the name of a Go architecture in manifests, or "" if there
// is none. It maps "neutral" to itself.
func Architecture(goarch string) string { return architectures[goarch] }

// Manifest returns the manifest of the package for a Go architecture, or for
// "neutral". The same manifest works on Windows and on Linux.
func (d *Declaration) Manifest(goarch string) *manifest.Manifest {
	exe := d.windowsPath()
	return &manifest.Manifest{
		File: manifest.FileName,
		Identity: manifest.Identity{
			Name: d.Name, Publisher: d.Publisher, Version: d.Version, Architecture: Architecture(goarch),
		},
		Properties: manifest.Properties{
			DisplayName: d.DisplayName, PublisherDisplayName: d.PublisherDisplayName, Description: d.Description, Logo: windows(storeLogo),
		},
		Dependencies: manifest.Dependencies{Families: []manifest.DeviceFamily{
			{Name: "Windows.Desktop", MinVersion: d.MinWindows, MaxVersionTested: d.TestedWindows},
		}},
		Resources: []manifest.Resource{{Language: d.Language}},
		Applications: []manifest.Application{{
			ID: d.Application, Executable: exe, EntryPoint: "Windows.FullTrustApplication",
			Visual: manifest.Visual{
				DisplayName: d.DisplayName, Description: d.Description, BackgroundColor: d.Background,
				Square150x150Logo: windows(tileLogo), Square44x44Logo: windows(listLogo),
			},
		}},
		Servers:      d.servers(exe),
		Capabilities: d.capabilities(),
	}
}

// servers returns one server for each distinct way to launch the program, in task
// order.
func (d *Declaration) servers(exe string) (list []manifest.Server) {
	index := map[string]int{}
	for _, t := range d.Tasks {
		i, ok := index[t.Arguments]
		if !ok {
			i = len(list)
			index[t.Arguments] = i
			list = append(list, manifest.Server{
				Kind: manifest.ExeServer, Application: d.Application, Executable: exe, Arguments: t.Arguments, DisplayName: d.DisplayName,
			})
		}
		list[i].Classes = append(list[i].Classes, manifest.Class{ID: t.ID(), DisplayName: t.Name})
	}
	return list
}

func (d *Declaration) capabilities() (list []manifest.Capability) {
	for _, name := range d.Capabilities {
		if space, ok := manifest.CapabilityNamespace(name); ok && name != fullTrust {
			list = append(list, manifest.Capability{Space: space, Name: name})
		}
	}
	return append(list, manifest.Capability{Space: manifest.NamespaceRescap, Name: fullTrust})
}

const fullTrust = "runFullTrust"

// windowsPath returns the executable as written in a manifest.
func (d *Declaration) windowsPath() string { return windows(d.Executable) + ".exe" }

func windows(slashed string) string { return strings.ReplaceAll(slashed, "/", `\`) }

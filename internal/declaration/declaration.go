package declaration

import (
	"path"
	"strings"

	"github.com/bgtask/bgtask/manifest"
	"github.com/bgtask/bgtask/task"
)

// FileName is the declaration's name beside the program.
const FileName = "bgtask.toml"

// Declaration is what bgtask.toml says, with defaults filled in by Load and Parse.
type Declaration struct {
	File string `toml:"-"` // its name in messages
	Dir  string `toml:"-"` // to which its paths are relative

	Name                 string   `toml:"name"`                   // Identity/@Name, "Contoso.Notes"
	Publisher            string   `toml:"publisher"`              // the subject of the certificate that signs, "CN=Contoso"
	Version              string   `toml:"version"`                // "1.0.0.0"
	DisplayName          string   `toml:"display_name"`           // "": Name
	PublisherDisplayName string   `toml:"publisher_display_name"` // "": the CN of Publisher
	Description          string   `toml:"description"`            // "": DisplayName
	Language             string   `toml:"language"`               // "": en-us
	Application          string   `toml:"application"`            // Application/@Id; "": App
	Logo                 string   `toml:"logo"`                   // a square picture, for all sizes; "": one is drawn
	Background           string   `toml:"background"`             // of the tiles; "": transparent
	Capabilities         []string `toml:"capabilities"`           // beside runFullTrust, which every class server needs
	MinWindows           string   `toml:"min_windows"`            // "": 10.0.19041.0, the first with tasks of a class id
	TestedWindows        string   `toml:"tested_windows"`         // "": 10.0.26100.0

	Executable string            `toml:"executable"`  // path in the package, with slashes and without .exe; "": the last part of Program or Name
	Program    string            `toml:"program"`     // the Go package of the program, built for each platform
	BuildFlags []string          `toml:"build_flags"` // of go build; nil: -trimpath, and no console on Windows
	Programs   map[string]string `toml:"programs"`    // programs that are built already, by platform: "linux/amd64"
	Files      []string          `toml:"files"`       // what else belongs into the package: files and folders, at the same place in it
	Tasks      []Task            `toml:"tasks"`
}

// Task is a task class of the program.
type Task struct {
	Name      string `toml:"name"`      // for people
	Class     string `toml:"class"`     // the CLSID: EntryPoint of the registrations
	Arguments string `toml:"arguments"` // with which the program is launched to serve it
}

// ID is the task's class. Load and Parse have checked it.
func (t Task) ID() task.GUID {
	id, err := task.ParseGUID(t.Class)
	if err != nil {
		return task.GUID{}
	}
	return id
}

// withDefaults fills in what may be left out.
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

// commonName is the first value of a publisher, which people know it by.
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

// architectures are the manifest's names of Go's.
var architectures = map[string]string{"amd64": "x64", "arm64": "arm64", "386": "x86", "arm": "arm", "neutral": "neutral"}

// Architecture is the manifest's name of one of Go's, "" for one that it has no
// name for. "neutral" is neutral.
func Architecture(goarch string) string { return architectures[goarch] }

// Manifest makes the manifest of the package for an architecture of Go's, or for
// "neutral". The same manifest serves on Windows and on Linux.
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

// servers are one for each way to launch the program, in the order of the tasks.
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

// windowsPath is the executable as a manifest names it.
func (d *Declaration) windowsPath() string { return windows(d.Executable) + ".exe" }

func windows(slashed string) string { return strings.ReplaceAll(slashed, "/", `\`) }

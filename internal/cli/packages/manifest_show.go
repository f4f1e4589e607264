package packages

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/manifest"
	"github.com/bgtask/bgtask/task"
)

func newManifestShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show [WHAT]",
		Short: "Show the identity of a package and the classes of its programs",
		Args:  verb.Between(0, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := readManifest(args)
			if err != nil {
				return err
			}
			m, err := manifest.Parse(filepath.Base(text.name), text.data)
			switch {
			case err != nil:
				return err
			case a.JSON:
				a.Object(term.Member("manifest", newShownManifest(m)))
			default:
				a.showManifest(m)
			}
			return nil
		},
	}
}

// shownManifest is a manifest in the JSON output.
type shownManifest struct {
	Name         string             `json:"name"`
	Publisher    string             `json:"publisher"`
	Version      string             `json:"version"`
	Architecture *string            `json:"architecture"`
	Family       string             `json:"family"`
	FullName     string             `json:"full_name"`
	DisplayName  string             `json:"display_name"`
	Applications []shownApplication `json:"applications"`
	Servers      []shownServer      `json:"servers"`
	Extensions   []shownExtension   `json:"extensions"`
	Capabilities []string           `json:"capabilities"`
	Tokens       []string           `json:"tokens"`
	Warnings     []string           `json:"warnings"`
}

type shownApplication struct {
	ID         string  `json:"id"`
	AUMID      string  `json:"aumid"`
	Executable *string `json:"executable"`
}

type shownServer struct {
	Kind        string       `json:"kind"`
	Application *string      `json:"application"`
	Executable  *string      `json:"executable"`
	Arguments   []string     `json:"arguments"`
	Line        int          `json:"line"`
	Classes     []shownClass `json:"classes"`
}

type shownClass struct {
	ID   task.GUID `json:"id"`
	Name *string   `json:"name"`
}

type shownExtension struct {
	Category    string  `json:"category"`
	Application *string `json:"application"`
}

func newShownManifest(m *manifest.Manifest) shownManifest {
	s := shownManifest{
		Name: m.Identity.Name, Publisher: m.Identity.Publisher, Version: m.Identity.Version, Architecture: term.OrNull(m.Identity.Architecture),
		Family: m.Identity.FamilyName(), FullName: m.Identity.FullName(), DisplayName: m.Properties.DisplayName,
		Applications: []shownApplication{}, Servers: []shownServer{}, Extensions: []shownExtension{}, Capabilities: []string{},
		Tokens: tokens(m), Warnings: term.ListOf(m.Warnings),
	}
	for _, app := range m.Applications {
		s.Applications = append(s.Applications, shownApplication{app.ID, m.Identity.AUMID(app.ID), term.OrNull(app.Executable)})
	}
	for _, server := range m.Servers {
		shown := shownServer{string(server.Kind), term.OrNull(server.Application), term.OrNull(server.Executable),
			term.ListOf(manifest.SplitArguments(server.Arguments)), server.Line, []shownClass{}}
		for _, class := range server.Classes {
			shown.Classes = append(shown.Classes, shownClass{class.ID, term.OrNull(class.DisplayName)})
		}
		s.Servers = append(s.Servers, shown)
	}
	for _, e := range m.Extensions {
		s.Extensions = append(s.Extensions, shownExtension{e.Category, term.OrNull(e.Application)})
	}
	for _, c := range m.Capabilities {
		s.Capabilities = append(s.Capabilities, c.Name)
	}
	return s
}

// tokens returns what a build still has to fill in, each once.
func tokens(m *manifest.Manifest) []string {
	all := []string{}
	seen := map[string]bool{}
	for _, t := range m.Tokens {
		if !seen[t.Text] {
			seen[t.Text] = true
			all = append(all, t.Text)
		}
	}
	return all
}

// showManifest prints one label and text per line.
func (a *app) showManifest(m *manifest.Manifest) {
	line := func(label, text string) {
		const textColumn = 16
		a.Printf("%s\n", a.Screen.Wrap(term.Clean(strings.TrimRight(fmt.Sprintf("  %-12s  %s", label, text), " ")), textColumn))
	}
	id := m.Identity
	a.Printf("%s\n", term.Clean(fmt.Sprintf("%s%s  by %s", id.Name, term.Spaced(id.Version)+term.Spaced(id.Architecture), id.Publisher)))
	line("family", id.FamilyName())
	line("full name", id.FullName())
	for _, app := range m.Applications {
		line("application", id.AUMID(app.ID)+term.Spaced(app.Executable))
	}
	for _, s := range m.Servers {
		line("server", serverLine(m, s))
		for _, class := range s.Classes {
			line("", class.ID.String()+term.Spaced(class.DisplayName))
		}
	}
	for _, e := range m.Extensions {
		line("extension", e.Category+", for Windows only")
	}
	for _, c := range m.Capabilities {
		line("capability", c.Name)
	}
	if m.Template() {
		line("template", "the build must replace "+strings.Join(tokens(m), " "))
	}
	for _, w := range m.Warnings {
		line("warning", w)
	}
}

func serverLine(m *manifest.Manifest, s manifest.Server) string {
	switch s.Kind {
	case manifest.ExeServer:
		return fmt.Sprintf("%s%s (%s:%d)", s.Executable, term.Spaced(s.Arguments), m.File, s.Line)
	case manifest.ServiceServer:
		return fmt.Sprintf("the Windows service %s (%s:%d)", s.ServiceName, m.File, s.Line)
	}
	return fmt.Sprintf("a DLL, for Windows only (%s:%d)", m.File, s.Line)
}

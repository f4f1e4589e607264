package packages

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	program "github.com/bgtask/bgtask/internal/describe"
	"github.com/bgtask/bgtask/manifest"
	"github.com/bgtask/bgtask/task"
)

const manifestCheckHelp = `Check a manifest against the rules of Linux and Windows.

Each finding has its place, its rule and a remedy. An error is something that
Windows or 'bgtask install' refuses; a warning is allowed, but probably a mistake.
In a folder, the programs and logos that the manifest names must exist, too.

With --program, the program is started with ARGS to describe itself, as in 'bgtask
manifest new'. A class that it registers or serves and that no ExeServer declares is
an error.

The exit code is 1 if there is an error.`

// checkFlags are the flags of bgtask manifest check.
type checkFlags struct {
	template, windows  bool
	publisher, program string
	limit              time.Duration
}

func newManifestCheck(a *app) *cobra.Command {
	var f checkFlags
	c := &cobra.Command{
		Use:   "check [WHAT] [-- ARGS...]",
		Short: "Check a manifest against the rules of Linux and Windows",
		Long:  manifestCheckHelp,
		Args:  cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			what, programArgs, err := beforeDash(c, args, 1)
			if err != nil {
				return err
			}
			return a.checkManifest(c, what, programArgs, f)
		},
	}
	c.Flags().BoolVar(&f.template, "template", false, "accept tokens that a build fills in, such as $targetnametoken$")
	c.Flags().BoolVar(&f.windows, "windows", false, "expect the programs with .exe, as Windows needs them")
	c.Flags().StringVar(&f.publisher, "publisher", "", "the `SUBJECT` of the certificate that will sign the package")
	c.Flags().StringVar(&f.program, "program", "", "start this `PROGRAM` to check its classes, too")
	c.Flags().DurationVar(&f.limit, "timeout", program.TimeLimit, "how long the program may take to describe itself")
	return c
}

func (a *app) checkManifest(c *cobra.Command, what, programArgs []string, f checkFlags) error {
	if f.program == "" && len(programArgs) > 0 {
		return verb.Usage(c, "arguments for a program need --program")
	}
	text, err := readManifest(what)
	if err != nil {
		return err
	}
	options := manifest.Options{Template: f.template, Publisher: f.publisher, Files: text.files, Linux: !f.windows}
	m, found := manifest.Check(filepath.Base(text.name), text.data, options)
	if f.program != "" && m != nil {
		d, err := describeProgram(c.Context(), f.limit, f.program, programArgs)
		if err != nil {
			return err
		}
		found = append(found, m.CheckClasses(d.Registered(), d.Classes)...)
	}
	return a.printFound(text.name, found)
}

// finding is a finding in the JSON output.
type finding struct {
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Severity string `json:"severity"`
	Rule     string `json:"rule"`
	Message  string `json:"message"`
	Remedy   string `json:"remedy"`
}

func findingsOf(found []manifest.Finding) []finding {
	all := []finding{}
	for _, f := range found {
		all = append(all, finding{f.Line, f.Column, f.Severity.String(), string(f.Rule), f.Message, f.Remedy})
	}
	return all
}

// printFound prints the findings, and returns an error if one of them is an error.
func (a *app) printFound(name string, found []manifest.Finding) error {
	sound := manifest.Sound(found)
	if a.JSON {
		a.Object(term.Member("file", name), term.Member("sound", sound), term.Member("findings", findingsOf(found)))
	} else {
		a.printFindings(name, found)
		a.Printf("%s: %s\n", term.Clean(name), countFindings(found))
	}
	if !sound {
		return term.Shown(fmt.Errorf("%w: %w", task.ErrInvalid, term.ErrUnsound))
	}
	return nil
}

func (a *app) printFindings(name string, found []manifest.Finding) {
	const indent = 2
	for _, f := range found {
		word := a.Screen.Paint(severityColor(f.Severity), f.Severity.String())
		a.Printf("%s\n", a.Screen.Wrap(term.Clean(f.Place(name)+": ")+word+term.Clean(": "+f.Message)+a.Screen.Paint(term.Faint, " ["+string(f.Rule)+"]"), indent))
		if f.Severity > manifest.Note {
			a.Printf("%s\n", a.Screen.Wrap("  hint: "+term.Clean(f.Remedy), len("  hint: ")))
		}
	}
}

func severityColor(s manifest.Severity) term.Color {
	switch s {
	case manifest.Error:
		return term.Red
	case manifest.Warning:
		return term.Yellow
	}
	return term.Faint
}

// countFindings returns "2 errors, 1 warning" or "good".
func countFindings(found []manifest.Finding) string {
	count := func(s manifest.Severity) int {
		return len(slices.DeleteFunc(slices.Clone(found), func(f manifest.Finding) bool { return f.Severity != s }))
	}
	errs, warnings := count(manifest.Error), count(manifest.Warning)
	switch {
	case errs == 0 && warnings == 0:
		return "good"
	case errs == 0:
		return "good, with " + term.Plural(warnings, "warning")
	case warnings == 0:
		return term.Plural(errs, "error")
	}
	return term.Plural(errs, "error") + ", " + term.Plural(warnings, "warning")
}

package packages

import (
	"context"
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

const manifestCheckHelp = `Say what is wrong with a manifest, here and on Windows.

Each finding has its place, its rule and a remedy. Errors are what Windows or
'bgtask install' refuses, warnings what is allowed and probably not meant. For a
folder the programs and logos that the manifest names are looked for too.

With --program the program is started to describe itself, as in 'bgtask manifest
new', and what it registers and serves is held against the manifest: a class that
no ExeServer declares is an error.

It exits with 1 when there is an error.`

// checkFlags are those of bgtask manifest check.
type checkFlags struct {
	template, windows  bool
	publisher, program string
	limit              time.Duration
}

func newManifestCheck(a *app) *cobra.Command {
	var f checkFlags
	c := &cobra.Command{
		Use:   "check [WHAT] [-- ARGS...]",
		Short: "Say what is wrong with a manifest, here and on Windows",
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
	c.Flags().BoolVar(&f.template, "template", false, "tokens of a build, such as $targetnametoken$, may be left")
	c.Flags().BoolVar(&f.windows, "windows", false, "the programs are in the folder with .exe, as Windows needs them")
	c.Flags().StringVar(&f.publisher, "publisher", "", "the subject of the certificate that will sign the package")
	c.Flags().StringVar(&f.program, "program", "", "start this program to learn which classes it registers and serves")
	c.Flags().DurationVar(&f.limit, "timeout", program.TimeLimit, "how long that may take")
	return c
}

// beforeDash parts the arguments at "--"; at most n stand before it.
func beforeDash(c *cobra.Command, args []string, n int) (before, after []string, err error) {
	before = args
	if dash := c.ArgsLenAtDash(); dash >= 0 {
		before, after = args[:dash], args[dash:]
	}
	return before, after, verb.Between(0, n)(c, before)
}

func (a *app) checkManifest(c *cobra.Command, what, programArgs []string, f checkFlags) error {
	if f.program == "" && len(programArgs) > 0 {
		return verb.Usage(c, "there are arguments for a program, and no --program")
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
	return a.tellFindings(text.name, found)
}

// describeProgram runs a program of this machine with a limit.
func describeProgram(ctx context.Context, limit time.Duration, name string, args []string) (*program.Description, error) {
	if filepath.Base(name) == name {
		name = "." + string(filepath.Separator) + name // a path, and no command of PATH
	}
	limited, stop := context.WithTimeout(ctx, limit)
	defer stop()
	d, err := program.Run(limited, name, args...)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx) // half a description is none
	}
	return d, err
}

// finding is one as JSON has it.
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

// tellFindings prints them, and fails when an error is among them.
func (a *app) tellFindings(name string, found []manifest.Finding) error {
	sound := manifest.Sound(found)
	if a.JSON {
		a.Object(term.Member("file", name), term.Member("sound", sound), term.Member("findings", findingsOf(found)))
	} else {
		a.printFindings(name, found)
		a.Printf("%s: %s\n", term.Clean(name), countFindings(found))
	}
	if !sound {
		return term.Told(fmt.Errorf("%w: %w", task.ErrInvalid, term.ErrUnsound))
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

// countFindings is "2 errors, 1 warning", or "good".
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

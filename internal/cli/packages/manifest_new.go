package packages

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/internal/declaration"
	program "github.com/bgtask/bgtask/internal/describe"
	"github.com/bgtask/bgtask/task"
)

const manifestNewHelp = `Write the bgtask.toml of a program.

PROGRAM is the folder of a Go package, which is built, or a program that is already
built. It is started with ARGS to describe itself: the SDK answers as if everything
were registered, records which tasks the program registers and which classes it
serves, and makes Main and Serve return immediately. Nothing is registered, but
whatever else the program does, it does. It is killed after --timeout.

Without a PROGRAM, give the tasks with --task; a task without a class gets a new
one. On a terminal, bgtask asks for a name and publisher that are not given.`

// newFlags are the flags of bgtask manifest new.
type newFlags struct {
	d         declaration.Declaration
	out       string
	tasks     []string
	arguments string
	force     bool
	limit     time.Duration
	described bool // a program describes the tasks
}

func newManifestNew(a *app) *cobra.Command {
	var f newFlags
	c := &cobra.Command{
		Use:   "new [PROGRAM] [-- ARGS...]",
		Short: "Write the bgtask.toml of a program, from what it registers",
		Long:  manifestNewHelp,
		Args:  cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			before, after, err := beforeDash(c, args, 1)
			if err != nil {
				return err
			}
			return a.newDeclaration(c, before, after, f)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.d.Name, "name", "", "the name of the package: Contoso.Notes")
	flags.StringVar(&f.d.Publisher, "publisher", "", "the subject of the certificate that will sign it: CN=Contoso")
	flags.StringVar(&f.d.Version, "package-version", "1.0.0.0", "its version, four numbers")
	flags.StringVar(&f.d.DisplayName, "display-name", "", "its name for people")
	flags.StringVar(&f.d.PublisherDisplayName, "publisher-display-name", "", "the publisher's name for people")
	flags.StringVar(&f.d.Description, "description", "", "what it does, in a sentence")
	flags.StringArrayVar(&f.tasks, "task", nil, "NAME or NAME=CLASS of a task class; may be given again")
	flags.StringVar(&f.arguments, "arguments", "", "launch the program with these `ARGUMENTS` to serve its classes")
	flags.StringVarP(&f.out, "out", "o", declaration.FileName, "write to this `FILE`; - is standard output")
	flags.BoolVar(&f.force, "force", false, "overwrite an existing file")
	flags.DurationVar(&f.limit, "timeout", program.TimeLimit, "how long the program may take to describe itself")
	return c
}

func (a *app) newDeclaration(c *cobra.Command, what, programArgs []string, f newFlags) error {
	if f.out != "-" && exists(f.out) && !f.force {
		return &task.Error{Op: "manifest new", Subject: f.out, Err: task.ErrConflict, Detail: "the file already exists", Hint: "--force overwrites it; --out names another"}
	}
	for _, t := range f.tasks {
		f.addTask(t)
	}
	f.described = len(what) == 1
	if a.AsksPeople() {
		f.ask(a.Stdin, a.Stderr)
	}
	if missing := f.missing(); len(missing) > 0 {
		return verb.Usage(c, "missing: "+strings.Join(missing, ", "))
	}
	if f.described {
		if err := f.fromProgram(c.Context(), what[0], programArgs); err != nil {
			return err
		}
	}
	return a.writeDeclaration(&f.d, f.out)
}

// addTask adds a task given as NAME or NAME=CLASS.
func (f *newFlags) addTask(s string) {
	name, class, ok := strings.Cut(s, "=")
	if !ok {
		class = newClass().String()
	}
	f.d.Tasks = append(f.d.Tasks, declaration.Task{Name: name, Class: class, Arguments: f.arguments})
}

// newClass returns a random GUID, of version 4.
func newClass() (id task.GUID) {
	_, _ = rand.Read(id[:]) // never fails
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

// missing returns the flags that are required and not given.
func (f *newFlags) missing() (list []string) {
	for _, need := range []struct {
		there bool
		flag  string
	}{
		{f.d.Name != "", "--name Contoso.Notes"}, {f.d.Publisher != "", "--publisher CN=Contoso"}, {f.described || len(f.d.Tasks) > 0, "a PROGRAM or --task NAME"},
	} {
		if !need.there {
			list = append(list, need.flag)
		}
	}
	return list
}

// ask asks for what is not given. An empty answer leaves it empty.
func (f *newFlags) ask(in io.Reader, out io.Writer) {
	lines := bufio.NewScanner(in)
	question := func(value *string, text string) {
		if *value != "" {
			return
		}
		fmt.Fprintf(out, "%s: ", text)
		if lines.Scan() {
			*value = strings.TrimSpace(lines.Text())
		}
	}
	question(&f.d.Name, "Name of the package, like Contoso.Notes")
	question(&f.d.Publisher, "Publisher, the subject of your certificate, like CN=Contoso")
	if !f.described && len(f.d.Tasks) == 0 {
		var name string
		if question(&name, "Name of a task"); name != "" {
			f.addTask(name)
		}
	}
}

// fromProgram adds the tasks that the program registers, and the classes that it serves
// without registering them.
func (f *newFlags) fromProgram(ctx context.Context, path string, args []string) error {
	info, err := os.Stat(path)
	if err != nil {
		return &task.Error{Op: "manifest new", Subject: path, Err: fmt.Errorf("%w: %w", task.ErrInvalid, err), Detail: "no such program", Hint: "give the folder of a Go package, or a program that is already built"}
	}
	rel := relative(filepath.Dir(f.out), path)
	exe := path
	if info.IsDir() {
		f.d.Program = rel
		if !strings.HasPrefix(rel, ".") {
			f.d.Program = "./" + rel // as go build expects it
		}
		temp, err := os.MkdirTemp("", "bgtask-new-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temp)
		if exe, err = buildHere(ctx, path, temp); err != nil {
			return err
		}
	} else {
		f.d.Programs = map[string]string{declaration.Here().String(): rel}
		f.d.Executable = strings.TrimSuffix(filepath.Base(path), ".exe")
	}
	d, err := describeProgram(ctx, f.limit, exe, args)
	if err != nil {
		return err
	}
	f.take(d)
	return nil
}

func buildHere(ctx context.Context, folder, temp string) (string, error) {
	d := declaration.Declaration{File: declaration.FileName, Dir: folder, Program: "."}
	exe := filepath.Join(temp, "program")
	return exe, d.MakeProgram(ctx, declaration.Here(), exe)
}

// relative returns a path relative to the declaration, with slashes.
func relative(from, path string) string {
	from, err1 := filepath.Abs(from)
	path, err2 := filepath.Abs(path)
	rel, err3 := filepath.Rel(from, path)
	if errors.Join(err1, err2, err3) != nil {
		return filepath.ToSlash(path)
	}
	return filepath.ToSlash(rel)
}

func (f *newFlags) take(d *program.Description) {
	named := map[task.GUID]bool{}
	for _, t := range f.d.Tasks {
		named[t.ID()] = true
	}
	add := func(name string, id task.GUID) {
		if !named[id] {
			named[id] = true
			f.d.Tasks = append(f.d.Tasks, declaration.Task{Name: name, Class: id.String(), Arguments: f.arguments})
		}
	}
	for _, spec := range d.Tasks {
		add(spec.Name, spec.EntryPoint)
	}
	for i, id := range d.Classes {
		add(fmt.Sprintf("Task %d", i+1), id)
	}
}

// writeDeclaration checks the declaration and writes it.
func (a *app) writeDeclaration(d *declaration.Declaration, out string) error {
	text := d.Marshal()
	whole, err := declaration.Parse(out, text)
	if err != nil {
		return err
	}
	if out == "-" {
		_, err = a.Stdout.Write(text)
		return err
	}
	if err := os.WriteFile(out, text, 0o644); err != nil {
		return err
	}
	family := whole.Manifest("neutral").Identity.FamilyName()
	if a.JSON {
		a.Object(term.Member("declaration", out), term.Member("family", family), term.Member("tasks", len(d.Tasks)))
		return nil
	}
	a.Printf("%s: %s, %s. Next: bgtask manifest build\n", term.Clean(out), family, term.Plural(len(d.Tasks), "task"))
	return nil
}

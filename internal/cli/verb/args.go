package verb

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/task"
)

// Exactly requires n arguments.
func Exactly(n int) cobra.PositionalArgs { return Between(n, n) }

// Between requires from least to most arguments. The error names the usage of the
// verb, or the argument that is too many.
func Between(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return Usage(c, "missing argument; usage: "+strings.TrimSuffix(c.UseLine(), " [flags]"))
		case len(args) > most:
			return Usage(c, fmt.Sprintf("unexpected argument %q", args[most]))
		}
		return nil
	}
}

// Usage returns the error for a command line that makes no sense to c. Nothing was
// changed.
func Usage(c *cobra.Command, detail string) *task.Error {
	op := strings.TrimPrefix(strings.TrimPrefix(c.CommandPath(), "bgtask"), " ")
	return &task.Error{Op: op, Err: task.ErrInvalid, Detail: detail, Hint: "see '" + c.CommandPath() + " --help'"}
}

// NoSubverb refuses an argument of a verb that has verbs below it, and suggests the
// nearest of those.
func NoSubverb(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := Usage(c, fmt.Sprintf("unknown verb %q", args[0]))
	err.Hint = cmp.Or(term.DidYouMean(args[0], Verbs(c)), err.Hint)
	return err
}

// Verbs are the names of the verbs below c that are not hidden.
func Verbs(c *cobra.Command) (names []string) {
	for _, verb := range c.Commands() {
		if verb.IsAvailableCommand() {
			names = append(names, verb.Name())
		}
	}
	return names
}

// PackageFlag gives c the flag -p, which leaves only the tasks of one package.
func (e *Env) PackageFlag(c *cobra.Command) {
	c.Flags().StringVarP(&e.Package, "package", "p", "", "only consider tasks of this `PACKAGE`")
	_ = c.RegisterFlagCompletionFunc("package", e.CompletePackage) // fails for a flag that does not exist
}

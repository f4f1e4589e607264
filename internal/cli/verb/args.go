package verb

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/task"
)

// Exactly demands n arguments, named as in the verb's usage.
func Exactly(n int) cobra.PositionalArgs { return Between(n, n) }

func Between(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return Usage(c, "an argument is missing: bgtask "+strings.TrimPrefix(c.UseLine(), "bgtask "))
		case len(args) > most:
			return Usage(c, fmt.Sprintf("there is one argument too many: %q", args[most]))
		}
		return nil
	}
}

// Usage is a command line that cannot be understood. Nothing was changed.
func Usage(c *cobra.Command, detail string) *task.Error {
	op := strings.TrimPrefix(strings.TrimPrefix(c.CommandPath(), "bgtask"), " ")
	return &task.Error{Op: op, Err: task.ErrInvalid, Detail: detail,
		Hint: "'" + c.CommandPath() + " --help' shows how"}
}

// NoSubverb refuses a word after a verb that has verbs of its own.
func NoSubverb(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := Usage(c, fmt.Sprintf("there is no %q here", args[0]))
	var verbs []string
	for _, verb := range c.Commands() {
		verbs = append(verbs, verb.Name())
	}
	if near := term.Nearest(args[0], verbs); len(near) > 0 {
		err.Hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return err
}

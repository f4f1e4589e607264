package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/bgtask/bgtask/internal/cli/machine"
	"github.com/bgtask/bgtask/internal/cli/packages"
	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/task"
)

// inVerbs makes cobra's words ours.
var inVerbs = strings.NewReplacer("[command]", "VERB", "Available Commands:", "Verbs:", "information about a command", "about it")

// newRoot is the tree of verbs.
func newRoot(a *app) *cobra.Command {
	noColor := false
	root := &cobra.Command{
		Use:           "bgtask",
		Short:         "Background tasks that wait for the right moment",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noSuchVerb,
		PersistentPreRun: func(*cobra.Command, []string) {
			a.Screen.Color = a.Screen.Color && !noColor
		},
	}
	flags := root.PersistentFlags()
	flags.BoolVar(&a.JSON, "json", false, "print JSON; watch and logs print an object a line")
	flags.BoolVar(&noColor, "no-color", false, "print no colors")
	root.SetFlagErrorFunc(badFlag)
	root.SetUsageTemplate(inVerbs.Replace(root.UsageTemplate()))
	root.SetHelpCommand(&cobra.Command{Use: "help [VERB]", Short: "Help about a verb", Args: cobra.ArbitraryArgs, RunE: help})
	root.AddCommand(packages.Making(a.Env)...)
	root.AddCommand(machine.Selftest(a.Env), newVersion(a))
	addPlatform(a, root)
	refuseShells(root)
	return root
}

// refuseShells makes cobra's own verb refuse a shell that it does not know; it
// would show its help.
func refuseShells(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	if c, _, err := root.Find([]string{"completion"}); err == nil {
		c.Args, c.RunE = verb.NoSubverb, func(c *cobra.Command, _ []string) error { return c.Help() }
	}
}

func help(c *cobra.Command, args []string) error {
	verb, rest, err := c.Root().Find(args)
	if err == nil && verb == c.Root() {
		err = noSuchVerb(verb, rest)
	}
	if err != nil {
		return err
	}
	verb.InitDefaultHelpFlag()
	return verb.Help()
}

// noSuchVerb is what a first word means that is no verb.
func noSuchVerb(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	e := &task.Error{Err: task.ErrInvalid, Detail: fmt.Sprintf("there is no verb %q", args[0]), Hint: "'bgtask help' lists all"}
	var verbs []string
	for _, verb := range c.Commands() {
		if verb.IsAvailableCommand() {
			verbs = append(verbs, verb.Name())
		}
	}
	if near := term.Nearest(args[0], verbs); len(near) > 0 {
		e.Hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return e
}

// badFlag says which flag is wrong, and which was probably meant.
func badFlag(c *cobra.Command, err error) error {
	var value *pflag.InvalidValueError
	var missing *pflag.NotExistError
	switch {
	case errors.As(err, &value):
		return verb.Usage(c, fmt.Sprintf("--%s: %v", value.GetFlag().Name, errors.Unwrap(value)))
	case errors.As(err, &missing) && missing.GetSpecifiedShortnames() == "":
		e := verb.Usage(c, "there is no flag --"+missing.GetSpecifiedName())
		var flags []string
		c.Flags().VisitAll(func(f *pflag.Flag) { flags = append(flags, "--"+f.Name) })
		if near := term.Nearest("--"+missing.GetSpecifiedName(), flags); len(near) > 0 {
			e.Hint = "did you mean " + strings.Join(near, " or ") + "?"
		}
		return e
	}
	if missing != nil {
		return verb.Usage(c, "there is no flag -"+missing.GetSpecifiedName())
	}
	return verb.Usage(c, err.Error())
}

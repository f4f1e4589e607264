package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/task"
)

// newRoot builds the tree of verbs.
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
	root.SetIn(a.Stdin)
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	flags := root.PersistentFlags()
	flags.BoolVar(&a.JSON, "json", false, "print JSON; watch and logs print one object per line")
	flags.BoolVar(&noColor, "no-color", false, "print without colors")
	flags.BoolP("help", "h", false, "explain the verb")
	root.SetFlagErrorFunc(badFlag)
	root.SetHelpFunc(a.showHelp)
	root.SetHelpCommand(&cobra.Command{Use: "help [VERB]", Short: "Explain a verb", Args: cobra.ArbitraryArgs, RunE: help})
	addPlatform(a, root)
	root.InitDefaultHelpCmd()
	refuseShells(root)
	group(root)
	return root
}

// refuseShells makes cobra's verb completion refuse a shell that it does not know,
// for which it would show its help.
func refuseShells(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	if c, _, err := root.Find([]string{"completion"}); err == nil {
		c.Short = "Print the completion script for a shell"
		c.Args, c.RunE = verb.NoSubverb, func(c *cobra.Command, _ []string) error { return c.Help() }
	}
}

// showHelp prints the help of c. After "bgtask facts set --help" it does not: there
// is no verb "set", and the help of facts would hide that.
func (a *app) showHelp(c *cobra.Command, _ []string) {
	if words := c.Flags().Args(); c.HasAvailableSubCommands() && c.HasParent() && len(words) > 0 {
		a.helpless = verb.NoSubverb(c, words)
		return
	}
	a.Help(c)
}

func help(c *cobra.Command, args []string) error {
	of, rest, err := c.Root().Find(args)
	if err == nil && of == c.Root() {
		err = noSuchVerb(of, rest)
	}
	if err != nil {
		return err
	}
	return of.Help()
}

// noSuchVerb refuses a first word that is not a verb.
func noSuchVerb(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &task.Error{Err: task.ErrInvalid, Detail: fmt.Sprintf("unknown verb %q", args[0]),
		Hint: cmp.Or(term.DidYouMean(args[0], verb.Verbs(c)), "'bgtask help' lists all verbs")}
}

// badFlag says which flag is wrong, and which was probably meant.
func badFlag(c *cobra.Command, err error) error {
	var value *pflag.InvalidValueError
	var unknown *pflag.NotExistError
	switch {
	case errors.As(err, &value):
		return verb.Usage(c, fmt.Sprintf("--%s: %v", value.GetFlag().Name, notNumber(value)))
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "":
		e := verb.Usage(c, "unknown flag --"+unknown.GetSpecifiedName())
		var flags []string
		c.Flags().VisitAll(func(f *pflag.Flag) { flags = append(flags, "--"+f.Name) })
		e.Hint = cmp.Or(term.DidYouMean("--"+unknown.GetSpecifiedName(), flags), e.Hint)
		return e
	case unknown != nil:
		return verb.Usage(c, "unknown flag -"+unknown.GetSpecifiedName())
	}
	return verb.Usage(c, err.Error())
}

// notNumber replaces what package strconv says of a value, which is about its own
// functions.
func notNumber(e *pflag.InvalidValueError) error {
	switch e.GetFlag().Value.Type() {
	case "int", "uint32":
		return fmt.Errorf("%q is not a whole number", e.GetValue())
	}
	return errors.Unwrap(e)
}

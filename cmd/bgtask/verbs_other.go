//go:build !linux

package main

import (
	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/task"
)

const rootHelp = `Background tasks that wait for the right moment.

On this platform, the operating system runs the tasks, and applications register
and serve them with the SDK. bgtask has no broker here, only the verbs that need
none.

Exit codes:
  0  done
  1  failure
  2  invalid command line
  3  not found, or ambiguous
  4  access denied`

// addPlatform makes every verb that asks a broker explain why it cannot.
func addPlatform(a *app, root *cobra.Command) {
	root.Long = rootHelp
	root.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	verbs := brokerVerbs(a)
	for _, c := range verbs {
		c.Hidden, c.Args, c.DisableFlagParsing, c.RunE = true, cobra.ArbitraryArgs, true, noBroker
		c.RemoveCommand(c.Commands()...)
	}
	root.AddCommand(append(verbs, offlineVerbs(a)...)...)
}

func noBroker(c *cobra.Command, _ []string) error {
	return &task.Error{Op: c.Name(), Err: task.ErrNotSupported,
		Detail: "on this platform the operating system keeps the tasks and shows them only to the application that registered them",
		Hint:   "call bgtask.AllTasks in the application, or run bgtask on Linux"}
}

// asSample does nothing: the demo needs a broker.
func asSample() (code int, yes bool) { return 0, false }

//go:build !linux

package main

import (
	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/task"
)

const rootHelp = `Background tasks that wait for the right moment.

On this platform there is no broker of bgtask's: the system keeps the tasks, and
an application registers and serves them with the SDK. Here are the verbs that
need none.

Exit codes: 0 done, 1 failure, 2 usage, 3 not found or ambiguous, 4 denied.`

// addPlatform has every verb that asks a broker say why it cannot.
func addPlatform(a *app, root *cobra.Command) {
	root.Long = rootHelp
	root.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	for _, c := range brokerVerbs(a) {
		c.Hidden, c.Args, c.DisableFlagParsing, c.RunE = true, cobra.ArbitraryArgs, true, noBroker
		c.RemoveCommand(c.Commands()...)
		root.AddCommand(c)
	}
}

func noBroker(c *cobra.Command, _ []string) error {
	return &task.Error{Op: c.Name(), Err: task.ErrNotSupported,
		Detail: "on this platform the system keeps the tasks, and shows them only to the application that registered them",
		Hint:   "ask in the application: bgtask.AllTasks; or run bgtask on Linux"}
}

// asSample is for the demo, which brings a broker.
func asSample() (code int, yes bool) { return 0, false }

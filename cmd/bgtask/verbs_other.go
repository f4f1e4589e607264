//go:build !linux

package main

import (
	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/task"
)

// withBroker has every verb that asks our broker say why it cannot: there is none
// on this platform.
func withBroker(_ *app, verbs ...*cobra.Command) []*cobra.Command {
	for _, c := range verbs {
		c.Hidden, c.Args, c.DisableFlagParsing = true, cobra.ArbitraryArgs, true
		c.RunE = noBroker
		c.RemoveCommand(c.Commands()...)
	}
	return verbs
}

func noBroker(c *cobra.Command, _ []string) error {
	if c == c.Root() {
		return c.Help()
	}
	return &task.Error{Op: c.Name(), Err: task.ErrNotSupported,
		Detail: "on this platform the system keeps the tasks, and shows them to the application that registered them only",
		Hint:   "ask in the application: bgtask.AllTasks; or run bgtask on Linux"}
}

// asSample is for the demo, which brings a broker.
func asSample() (code int, yes bool) { return 0, false }

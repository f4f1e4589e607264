package main

import (
	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/tasks"
)

const rootHelp = `Background tasks that wait for the right moment.

TASK is a name, PACKAGE/NAME, or a TaskID or at least four digits of one
(id:3f2a forces the id). PACKAGE is a family name or the part before its "_";
command tasks are in package "commands".

Exit codes: 0 done, 1 failure, 2 usage, 3 not found or ambiguous, 4 denied,
5 broker not reachable, 6 timeout, 7 still held at the timeout, 8 the run that
was waited for did not complete.`

// addPlatform adds the verbs that ask the broker, and those that are it.
func addPlatform(a *app, root *cobra.Command) {
	list := tasks.List(a.Env) // is also what a bare bgtask does
	root.Long, root.RunE = rootHelp, list.RunE
	root.Flags().AddFlagSet(list.Flags())
	root.PersistentFlags().StringVarP(&a.Package, "package", "p", "", "only tasks of this package")
	root.AddCommand(brokerVerbs(a)...)
	root.AddCommand(newDaemon(a), newRestore(a), newDemo(a), newServeCommands(), newExecWithListener())
}

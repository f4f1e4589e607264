package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/tasks"
)

const rootHelp = `Background tasks that wait for the right moment.

Without a verb, bgtask lists the tasks.

TASK is the name of a task, PACKAGE/NAME, or at least four digits of a task's id.
Write id:3f2a if a name looks like an id. PACKAGE is the family name of a package,
or the part before the "_". Tasks created with 'bgtask add' are in the package
"commands".

Exit codes:
  0  done                       5  the broker cannot be reached
  1  failure                    6  timeout
  2  invalid command line       7  timeout, and the task is still held
  3  not found, or ambiguous    8  the run did not complete
  4  access denied`

// addPlatform adds the verbs that ask the broker, and those that run it.
func addPlatform(a *app, root *cobra.Command) {
	list := tasks.List(a.Env) // is also what a bare bgtask does
	root.Long, root.RunE = rootHelp, list.RunE
	root.Flags().AddFlagSet(list.Flags())
	root.AddCommand(slices.Concat(brokerVerbs(a), offlineVerbs(a))...)
	root.AddCommand(newDaemon(a), newRestore(a), newSetup(a), newDemo(a), newServeCommands(), newExecWithListener())
}

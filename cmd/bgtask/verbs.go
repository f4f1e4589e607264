package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/adding"
	"github.com/bgtask/bgtask/internal/cli/following"
	"github.com/bgtask/bgtask/internal/cli/machine"
	"github.com/bgtask/bgtask/internal/cli/packages"
	"github.com/bgtask/bgtask/internal/cli/simulating"
	"github.com/bgtask/bgtask/internal/cli/tasks"
)

// brokerVerbs are those that ask a broker.
func brokerVerbs(a *app) []*cobra.Command {
	return slices.Concat(tasks.Verbs(a.Env), adding.Verbs(a.Env), simulating.Verbs(a.Env), following.Verbs(a.Env), machine.Verbs(a.Env), packages.Verbs(a.Env))
}

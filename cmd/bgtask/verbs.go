package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/adding"
	"github.com/bgtask/bgtask/internal/cli/following"
	"github.com/bgtask/bgtask/internal/cli/machine"
	"github.com/bgtask/bgtask/internal/cli/packages"
	"github.com/bgtask/bgtask/internal/cli/simulating"
	"github.com/bgtask/bgtask/internal/cli/tasks"
)

// groups are the verbs in the order of 'bgtask help'. Each platform has some of them.
var groups = []struct{ id, title, verbs string }{
	{"tasks", "Tasks", "list show why add fire raise cancel resume remove"},
	{"following", "Following what happens", "watch history logs simulate"},
	{"machine", "The machine", "facts toast push doctor selftest"},
	{"packages", "Packages", "packages install uninstall access trust manifest package"},
	{"broker", "The broker and this program", "daemon setup restore demo completion version"},
}

// brokerVerbs are the verbs that ask a broker.
func brokerVerbs(a *app) []*cobra.Command {
	return slices.Concat(tasks.Verbs(a.Env), adding.Verbs(a.Env), following.Verbs(a.Env), simulating.Verbs(a.Env), machine.Verbs(a.Env), packages.Verbs(a.Env))
}

// offlineVerbs are the verbs that work without a broker.
func offlineVerbs(a *app) []*cobra.Command {
	return append(packages.Making(a.Env), machine.Selftest(a.Env), newVersion(a))
}

// group puts the verbs of root into their groups, in the order of the table.
func group(root *cobra.Command) {
	cobra.EnableCommandSorting = false
	verbs := root.Commands()
	root.RemoveCommand(verbs...)
	place := func(c *cobra.Command) int {
		for i, g := range groups {
			if at := slices.Index(strings.Fields(g.verbs), c.Name()); at >= 0 {
				c.GroupID = g.id
				return i*len(verbs) + at
			}
		}
		return len(groups) * len(verbs)
	}
	for _, g := range groups {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
	}
	slices.SortStableFunc(verbs, func(x, y *cobra.Command) int { return cmp.Compare(place(x), place(y)) })
	root.AddCommand(verbs...)
}

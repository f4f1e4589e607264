package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/client"
)

// completeWithin is how long a person waits after the tab key.
const completeWithin = time.Second

// completeTask offers the names of tasks. It starts no broker.
func (a *app) completeTask(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := a.forCompletion(c)
	defer cancel()
	all, err := a.tasks(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	n := newNames(all)
	var words []string
	for _, info := range all {
		words = append(words, n.tasks[info.TaskID]+"\t"+info.State.At(a.now()))
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// completePackage offers the family names of packages.
func (a *app) completePackage(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := a.forCompletion(c)
	defer cancel()
	all, err := a.broker.Packages(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var words []string
	for _, p := range all {
		words = append(words, p.Family+"\t"+p.DisplayName)
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) forCompletion(c *cobra.Command) (context.Context, context.CancelFunc) {
	if c, ok := a.broker.(*client.Client); ok {
		c.Start = client.NoStart
	}
	return context.WithTimeout(c.Context(), completeWithin)
}

// words offers fixed words.
func words(all ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}

package verb

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/client"
)

// completeWithin is how long a user may wait after pressing the tab key.
const completeWithin = time.Second

// CompleteTask offers the names of tasks. It starts no broker.
func (e *Env) CompleteTask(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := e.ForCompletion(c)
	defer cancel()
	all, err := e.Tasks(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	n := NewNames(all)
	var words []string
	for _, info := range all {
		words = append(words, n.tasks[info.TaskID]+"\t"+info.State.At(e.Now()))
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// CompletePackage offers the family names of packages.
func (e *Env) CompletePackage(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := e.ForCompletion(c)
	defer cancel()
	all, err := e.Broker.Packages(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var words []string
	for _, p := range all {
		words = append(words, p.Family+"\t"+p.DisplayName)
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// ForCompletion returns a context for asking the broker during completion. The broker is
// not started if it does not run.
func (e *Env) ForCompletion(c *cobra.Command) (context.Context, context.CancelFunc) {
	if c, ok := e.Broker.(*client.Client); ok {
		c.Start = client.NoStart
	}
	return context.WithTimeout(c.Context(), completeWithin)
}

// OfferWords offers these words.
func OfferWords(all ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}

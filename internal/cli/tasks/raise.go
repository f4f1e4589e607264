package tasks

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/task"
)

func newRaise(a *app) *cobra.Command {
	var payload string
	c := &cobra.Command{
		Use:               "raise EVENT",
		Short:             "Raise an event, which fires the tasks that wait for it",
		Args:              verb.Exactly(1),
		ValidArgsFunction: a.completeEvent,
		RunE: func(c *cobra.Command, args []string) error {
			all, err := a.Tasks(c.Context())
			if err != nil {
				return err
			}
			taken, err := a.Broker.Raise(c.Context(), args[0], []byte(payload))
			switch {
			case err != nil:
				return err
			case a.JSON:
				a.Object(term.Member("event", args[0]), term.Member("taken_by", term.ListOf(taken)))
			case len(taken) == 0:
				a.Printf("%s: no task waits for this event%s\n", term.Clean(args[0]), eventHint(all, args[0]))
			default:
				n := verb.NewNames(all)
				for i, path := range taken {
					taken[i] = n.User(path)
				}
				a.Printf("%s: fired %s\n", term.Clean(args[0]), strings.Join(taken, ", "))
			}
			return nil
		},
	}
	c.Flags().StringVar(&payload, "payload", "", "`DATA` for the tasks, at most 64 KiB")
	return c
}

func events(all []task.Info) []string {
	var ids []string
	for _, info := range all {
		if t, ok := info.Spec.Trigger.(task.CustomSystemEventTrigger); ok {
			ids = append(ids, t.ID)
		}
	}
	return ids
}

func eventHint(all []task.Info, id string) string {
	if hint := term.DidYouMean(id, events(all)); hint != "" && !slices.Contains(events(all), id) {
		return "; " + hint
	}
	return ""
}

// completeEvent offers the events that tasks wait for.
func (a *app) completeEvent(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := a.ForCompletion(c)
	defer cancel()
	all, err := a.Tasks(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return events(all), cobra.ShellCompDirectiveNoFileComp
}

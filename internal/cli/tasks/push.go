package tasks

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/task"
)

// pushWithin is how long push waits for the distributor, which may have to ask its
// server for an address.
const pushWithin = 30 * time.Second

func newPush(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "push TASK",
		Short: "Print the address for push messages that fire a task",
		Long: `Print the address to which push messages for a task are posted. The task must have
been added with --on push. Each message fires it, and is in the variable
BGTASK_DETAILS of the command.

Anyone who knows the address can send messages.`,
		Example: "  bgtask add deploy --on push -- ./deploy.sh\n" +
			"  curl -d main \"$(bgtask push deploy)\"",
		Args:              verb.Exactly(1),
		ValidArgsFunction: a.CompleteTask,
		RunE: func(c *cobra.Command, args []string) error {
			info, err := a.Resolve(c.Context(), args[0])
			if err != nil {
				return err
			}
			why := &task.Error{Err: task.ErrBusy, Detail: fmt.Sprintf("the push distributor returned no address within %s", task.Interval(pushWithin)), Hint: "check that the distributor is connected to its server, then try again"}
			ctx, cancel := context.WithTimeoutCause(c.Context(), pushWithin, why)
			defer cancel()
			channel, err := a.Broker.PushChannel(ctx, info.TaskID)
			if err != nil && ctx.Err() != nil && c.Context().Err() == nil {
				err = why
			}
			if err != nil {
				return verb.Named(info, err)
			}
			if a.JSON {
				a.Object(term.Member("endpoint", channel.Endpoint), term.Member("distributor", channel.Distributor))
				return nil
			}
			a.Printf("%s\n", term.Clean(channel.Endpoint))
			return nil
		},
	}
	a.PackageFlag(c)
	return c
}

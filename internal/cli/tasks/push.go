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
// server.
const pushWithin = 30 * time.Second

func newPush(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "push TASK",
		Short: "Where to post push messages that fire a task",
		Long: "Where to post push messages that fire a task which was added with --on push.\n" +
			"Who knows the address can send: the message is in BGTASK_DETAILS of the command.",
		Example: "  bgtask add deploy --on push -- ./deploy.sh\n" +
			"  curl -d main \"$(bgtask push deploy)\"",
		Args:              verb.Exactly(1),
		ValidArgsFunction: a.CompleteTask,
		RunE: func(c *cobra.Command, args []string) error {
			info, err := a.Resolve(c.Context(), args[0])
			if err != nil {
				return err
			}
			why := &task.Error{Err: task.ErrBusy, Detail: fmt.Sprintf("the distributor gave no address in %s", task.Interval(pushWithin)), Hint: "see whether it reaches its server, and ask again"}
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
}

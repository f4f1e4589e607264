package machine

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask"
	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/internal/selftest"
	"github.com/bgtask/bgtask/task"
)

const selftestHelp = `Try what this system does with background tasks, through the SDK alone.

It registers tasks of its own, has them run in this process and launched, cancels
one, and removes them. It needs a package, whose manifest declares its class with
the arguments "selftest --serve": packaging/selftest is one.

Windows launches a timed task after 15 to 30 minutes: --wait 35m waits for it, or
--report tells later what has run.`

func newSelftest(a *app) *cobra.Command {
	var serve, report bool
	var wait time.Duration
	c := &cobra.Command{
		Use:   "selftest",
		Short: "Try what this system does with background tasks",
		Long:  selftestHelp,
		Args:  verb.Exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case serve:
				return bgtask.Serve(c.Context(), selftest.Class)
			case report:
				return a.selftestReport(c.Context())
			}
			return a.selftest(c.Context(), wait)
		},
	}
	c.Flags().BoolVar(&serve, "serve", false, "serve the class; the manifest passes this")
	c.Flags().BoolVar(&report, "report", false, "tell what has run")
	term.DurationVar(c.Flags(), &wait, "wait", "how long to wait for the system to launch the timed task")
	c.MarkFlagsMutuallyExclusive("serve", "report", "wait")
	return c
}

func (a *app) selftest(ctx context.Context, wait time.Duration) error {
	test := selftest.Test{Wait: wait}
	if !a.JSON {
		test.Found = func(f selftest.Finding) { a.Printf("%s\n", term.Clean(f.String())) }
	}
	found := test.Run(ctx)
	if a.JSON {
		a.Object(term.Member("findings", found))
	}
	if selftest.Failed(found) {
		return term.Told(term.ErrUnsound)
	}
	return nil
}

func (a *app) selftestReport(ctx context.Context) error {
	folder, err := bgtask.LocalFolder(ctx)
	if err != nil {
		return err
	}
	entries, err := selftest.Entries(folder)
	if err != nil {
		return &task.Error{Op: "selftest", Err: fmt.Errorf("%w: %w", task.ErrInternal, err)}
	}
	if a.JSON {
		a.Object(term.Member("entries", append([]selftest.Entry{}, entries...)))
		return nil
	}
	for _, e := range entries {
		a.Printf("%s  %s\n", e.Time.In(a.Zone).Format(time.RFC3339), term.Clean(e.String()))
	}
	if len(entries) == 0 {
		fmt.Fprintln(os.Stderr, "nothing has run yet: bgtask selftest registers what will")
	}
	return nil
}

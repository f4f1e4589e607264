package machine

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask"
	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/internal/selftest"
	"github.com/bgtask/bgtask/task"
)

const selftestHelp = `Test background tasks on this system, using only the SDK.

The test registers tasks, runs them in this process and in a launched one, cancels
one, and removes them all. It must run from an installed package whose manifest
declares its class with the arguments "selftest --serve"; packaging/selftest is
such a package.

Windows launches a timed task after 15 to 30 minutes. Use --wait 35m to wait for
it, or --report to see later what ran.`

func newSelftest(a *app) *cobra.Command {
	var serve, report bool
	var wait time.Duration
	c := &cobra.Command{
		Use:   "selftest",
		Short: "Test background tasks on this system",
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
	c.Flags().BoolVar(&serve, "serve", false, "serve the class; for the manifest")
	c.Flags().BoolVar(&report, "report", false, "show what ran")
	term.DurationVar(c.Flags(), &wait, "wait", "wait this long for the system to launch the timed task")
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
		return term.Shown(term.ErrUnsound)
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
		a.Warn("nothing has run yet; 'bgtask selftest' registers the tasks")
	}
	return nil
}

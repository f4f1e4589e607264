package packages

import (
	"context"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/verb"
	program "github.com/bgtask/bgtask/internal/describe"
)

// describeProgram starts a program, which describes itself within the limit.
func describeProgram(ctx context.Context, limit time.Duration, name string, args []string) (*program.Description, error) {
	if filepath.Base(name) == name {
		name = "." + string(filepath.Separator) + name // a path, not a command in PATH
	}
	limited, stop := context.WithTimeout(ctx, limit)
	defer stop()
	d, err := program.Run(limited, name, args...)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx) // half a description is useless
	}
	return d, err
}

// beforeDash splits the arguments at "--". At most n come before it.
func beforeDash(c *cobra.Command, args []string, n int) (before, after []string, err error) {
	before = args
	if dash := c.ArgsLenAtDash(); dash >= 0 {
		before, after = args[:dash], args[dash:]
	}
	return before, after, verb.Between(0, n)(c, before)
}

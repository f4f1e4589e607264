// Package adding has the verb add, which creates a task that runs a command.
package adding

import (
	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/verb"
)

// Verbs returns the verb.
func Verbs(e *verb.Env) []*cobra.Command {
	a := &app{e}
	return []*cobra.Command{newAdd(a)}
}

// Package simulating has the verb simulate, which predicts which tasks will run, and
// when.
package simulating

import (
	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/verb"
)

// Verbs returns the verb.
func Verbs(e *verb.Env) []*cobra.Command {
	a := &app{e}
	return []*cobra.Command{newSimulate(a)}
}

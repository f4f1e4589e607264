// Package machine has the verbs that show the state of the machine and of bgtask
// itself: facts, doctor and selftest.
package machine

import (
	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/verb"
)

// Verbs returns the verbs that ask the broker.
func Verbs(e *verb.Env) []*cobra.Command {
	a := &app{e}
	return []*cobra.Command{newFacts(a), newDoctor(a)}
}

// Selftest returns the verb selftest, which works without a broker.
func Selftest(e *verb.Env) *cobra.Command { return newSelftest(&app{e}) }

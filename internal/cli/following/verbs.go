// Package following has the verbs that show what happened and what is happening:
// history, logs and watch.
package following

import (
	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/verb"
)

// Verbs returns the verbs.
func Verbs(e *verb.Env) []*cobra.Command {
	a := &app{e}
	return []*cobra.Command{newHistory(a), newLogs(a), newWatch(a)}
}

// Package tasks has the verbs that show tasks and act on them: list, show, why, fire,
// raise, cancel, resume, remove, toast and push.
package tasks

import (
	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/verb"
)

// Verbs returns the verbs.
func Verbs(e *verb.Env) []*cobra.Command {
	a := &app{e}
	return []*cobra.Command{newList(a), newShow(a), newWhy(a), newFire(a), newRaise(a), newCancel(a), newResume(a), newRemove(a), newToast(a), newPush(a)}
}

// List returns the verb list, which is also what bgtask without a verb does.
func List(e *verb.Env) *cobra.Command { return newList(&app{e}) }

// Package tasks has the verbs that show one task or all of them, and act on one:
// list, show, why, fire, raise, cancel, resume, remove, toast and push.
package tasks

import (
	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/verb"
)

// app is what the verbs of this package share.
type app struct{ *verb.Env }

// Verbs are the verbs of this room.
func Verbs(e *verb.Env) []*cobra.Command {
	a := &app{e}
	return []*cobra.Command{newList(a), newShow(a), newWhy(a), newFire(a), newRaise(a), newCancel(a), newResume(a), newRemove(a), newToast(a), newPush(a)}
}

// List is the verb list, which is also what a bare bgtask does.
func List(e *verb.Env) *cobra.Command { return newList(&app{e}) }

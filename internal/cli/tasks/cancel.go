package tasks

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/task"
)

func newCancel(a *app) *cobra.Command {
	var word string
	var kill bool
	c := &cobra.Command{
		Use:               "cancel TASK",
		Short:             "Ask the live run of a task to stop",
		Args:              verb.Exactly(1),
		ValidArgsFunction: a.CompleteTask,
		RunE: func(c *cobra.Command, args []string) error {
			reason, err := parseReason(word)
			if err != nil {
				return err
			}
			info, err := a.Resolve(c.Context(), args[0])
			if err != nil {
				return err
			}
			if err := a.Broker.Cancel(c.Context(), info.TaskID, reason, kill); err != nil {
				return verb.Named(info, err)
			}
			if a.JSON {
				a.Object(term.Member("canceled", canceled{info.TaskID, info.Package, info.Spec.Name, reason.String(), uint32(reason)}))
				return nil
			}
			a.Printf("%s: asked to stop: %s\n", term.Clean(info.Spec.Name), reason.String())
			return nil
		},
	}
	c.Flags().StringVar(&word, "reason", task.ReasonAbort.String(), "the `REASON` that the task gets")
	c.Flags().BoolVar(&kill, "kill", false, "kill its process too, even one that you started")
	_ = c.RegisterFlagCompletionFunc("reason", verb.OfferWords(reasonWords()...))
	a.PackageFlag(c)
	return c
}

type canceled struct {
	TaskID  task.GUID `json:"task_id"`
	Package string    `json:"package"`
	Name    string    `json:"name"`
	Reason  string    `json:"reason"`
	Number  uint32    `json:"reason_number"`
}

func reasonWords() []string {
	var all []string
	for _, r := range task.Reasons() {
		all = append(all, r.Name)
	}
	return all
}

// parseReason finds a reason by its name, in upper or lower case.
func parseReason(word string) (task.CancellationReason, error) {
	for _, r := range task.Reasons() {
		if strings.EqualFold(r.Name, word) {
			return r.Reason, nil
		}
	}
	return 0, term.UnknownWord("--reason", "reason", word, reasonWords())
}

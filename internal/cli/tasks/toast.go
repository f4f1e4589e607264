package tasks

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/task"
)

func newToast(a *app) *cobra.Command {
	var t task.Toast
	var actions []string
	var urgency string
	var hide uint32
	c := &cobra.Command{
		Use:   "toast TITLE [BODY]",
		Short: "Show a notification whose buttons fire tasks",
		Long: `Show a notification. A click on it, or on one of its buttons, fires the tasks that
were added with --on toast or --on toast:TAG. The variable BGTASK_DETAILS of their
commands says what the user did.`,
		Example: "  bgtask add open-log --on toast:build -- xdg-open ~/build.log\n" +
			"  bgtask toast --tag build --action log=\"Show the log\" \"The build failed\"",
		Args:              verb.Between(0, 2),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("hide") {
				return a.hideToast(c, args, hide)
			}
			if len(args) == 0 {
				return term.Refuse("toast: missing title", `write: bgtask toast "The build is ready"`)
			}
			t.Title = args[0]
			if len(args) > 1 {
				t.Body = args[1]
			}
			var err error
			if t.Urgency, err = task.ParseUrgency(urgency); err != nil {
				return term.UnknownWord("--urgency", "level", urgency, []string{"low", "normal", "critical"})
			}
			if t.Actions, err = toastActions(actions); err != nil {
				return err
			}
			t.Icon = iconPath(t.Icon)
			if err := t.Validate(); err != nil {
				return err
			}
			return a.showToast(c, t)
		},
	}
	f := c.Flags()
	f.StringArrayVar(&actions, "action", nil, "add a button, `KEY=LABEL`; may be repeated")
	f.StringVar(&t.Reply, "reply", "", "add a button with this `LABEL` that asks for an answer")
	f.StringVar(&t.Tag, "tag", "", "replace the toast with this `TAG`; fires --on toast:TAG")
	f.StringVar(&t.Icon, "icon", "", "the name of an `ICON`, or the path of an image")
	f.StringVar(&urgency, "urgency", "normal", "`LEVEL`: low, normal or critical")
	term.DurationVar(f, &t.Expires, "expires", "remove the toast after this time")
	f.BoolVar(&t.Silent, "silent", false, "play no sound")
	f.Uint32Var(&hide, "hide", 0, "remove the toast with this `ID`")
	c.Flags().StringVarP(&a.Package, "package", "p", "", "show it for this `PACKAGE`")
	_ = c.RegisterFlagCompletionFunc("package", a.CompletePackage) // fails for a flag that does not exist
	return c
}

func (a *app) showToast(c *cobra.Command, t task.Toast) error {
	family := task.CommandPackage
	if a.Package != "" {
		p, err := a.Family(c.Context(), a.Package)
		if err != nil {
			return err
		}
		family = p.Family
	}
	shown, err := a.Broker.ShowToast(c.Context(), t, family)
	if err != nil {
		return err
	}
	if a.JSON {
		a.Object(term.Member("id", shown.ID), term.Member("warnings", term.ListOf(shown.Warnings)))
		return nil
	}
	for _, w := range shown.Warnings {
		a.Warn("%s", w)
	}
	a.Printf("toast %d shown\n", shown.ID)
	return nil
}

func (a *app) hideToast(c *cobra.Command, args []string, id uint32) error {
	if len(args) > 0 {
		return term.Refuse("--hide takes no title", "write: bgtask toast --hide ID")
	}
	if err := a.Broker.HideToast(c.Context(), id); err != nil {
		return err
	}
	if a.JSON {
		a.Object(term.Member("id", id))
	}
	return nil
}

func toastActions(words []string) (all []task.ToastAction, err error) {
	for _, w := range words {
		key, label, ok := strings.Cut(w, "=")
		if !ok {
			return nil, term.Refuse(fmt.Sprintf("--action %q is not KEY=LABEL", w), `write --action open="Open it"`)
		}
		all = append(all, task.ToastAction{Key: key, Label: label})
	}
	return all, nil
}

// iconPath makes the path of a file absolute. The name of an icon is not changed.
func iconPath(icon string) string {
	if _, err := os.Stat(icon); icon == "" || err != nil && !strings.Contains(icon, "/") {
		return icon
	}
	if path, err := filepath.Abs(icon); err == nil {
		return path
	}
	return icon
}

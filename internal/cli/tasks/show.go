package tasks

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/task"
)

func newShow(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:               "show TASK",
		Short:             "Show everything stored about a task",
		Args:              verb.Exactly(1),
		ValidArgsFunction: a.CompleteTask,
		RunE: func(c *cobra.Command, args []string) error {
			info, err := a.Resolve(c.Context(), args[0])
			if err != nil {
				return err
			}
			info, err = a.Broker.Task(c.Context(), info.TaskID)
			switch {
			case err != nil:
				return err
			case a.JSON:
				a.Object(term.Member("task", task.FullInfo{Info: info}))
			default:
				a.show(info)
			}
			return nil
		},
	}
	a.PackageFlag(c)
	return c
}

// show prints one label and text per line.
func (a *app) show(info task.Info) {
	line := func(label, text string) {
		if text != "" {
			const textColumn = 16
			a.Printf("%s\n", a.Screen.Wrap(term.Clean(fmt.Sprintf("  %-12s  %s", label, text)), textColumn))
		}
	}
	spec := info.Spec
	a.Printf("%s  %s\n", term.Clean(fmt.Sprintf("%-14s", spec.Name)), a.Screen.Paint(term.Faint, info.Package+", task "+info.TaskID.String()))
	line("trigger", task.TriggerText(spec.Trigger, info.GridFrom.In(a.Zone)))
	line("conditions", conditionsLine(spec))
	line("options", optionsLine(spec))
	line("group", spec.Group)
	if spec.Command != nil {
		a.showCommand(*spec.Command, line)
	} else {
		line("class", classLine(info))
	}
	line("state", a.stateLine(info))
	line("last", a.lastLine(info))
	line("runs", info.Counts.String())
	for _, w := range info.Warnings {
		line("warning", w)
	}
}

// showCommand prints a command with its arguments and environment. No other verb does:
// they may hold secrets.
func (a *app) showCommand(c task.Command, line func(label, text string)) {
	words := []string{term.Quoted(c.Path)}
	for _, arg := range c.Args {
		words = append(words, term.Quoted(arg))
	}
	line("command", strings.Join(words, " "))
	line("directory", c.Dir)
	var env []string
	for _, v := range c.Env {
		env = append(env, term.Quoted(v))
	}
	line("environment", strings.Join(env, " "))
	line("env file", c.EnvFile)
	line("umask", fmt.Sprintf("%04o", c.Umask))
}

func conditionsLine(spec task.Spec) string {
	if len(spec.Conditions) == 0 {
		return "none"
	}
	s := task.ConditionList(spec.Conditions)
	if spec.CancelOnConditionLoss {
		s += "; a run is canceled when one is lost, and runs again"
	}
	return s
}

func optionsLine(spec task.Spec) string {
	r := spec.Retry.WithDefaults()
	parts := []string{
		fmt.Sprintf("%s, from %s to %s", term.Plural(r.Attempts, "attempt"), task.Interval(r.First), task.Interval(r.Limit)),
		misfireText(spec.Misfire),
		holdText(spec.Hold),
	}
	if spec.Queue > 0 {
		parts = append(parts, fmt.Sprintf("queue of %d", spec.Queue))
	}
	if spec.RunLimit > 0 {
		parts = append(parts, "run limit "+task.Interval(spec.RunLimit))
	}
	if spec.Exclusive != "" {
		parts = append(parts, "exclusive "+strconv.Quote(spec.Exclusive))
	}
	if spec.Command != nil && spec.Command.Retry {
		parts = append(parts, "any failure is retried")
	}
	return strings.Join(parts, "; ")
}

func misfireText(m task.Misfire) string {
	switch m.Policy {
	case task.Skip:
		return "misfire skip"
	case task.RunAll:
		return fmt.Sprintf("misfire all, at most %d", m.Max)
	}
	return "misfire once"
}

func holdText(h task.Hold) string {
	switch {
	case h.AtMost == 0:
		return "held forever"
	case h.Then == task.RunAnyway:
		return "held for " + task.Interval(h.AtMost) + ", then run anyway"
	}
	return "held for " + task.Interval(h.AtMost) + ", then dropped"
}

func classLine(info task.Info) string {
	s := info.Spec.EntryPoint.String()
	if info.Server == "" {
		return s + ", served by the application only"
	}
	s += ", served by " + info.Server
	if info.Declared != "" && info.Declared != info.Server {
		s += " (" + info.Declared + ")"
	}
	return s
}

func (a *app) stateLine(info task.Info) string {
	s := a.state(info.State)
	switch n := info.State.Waiting; {
	case n > 1 && info.Spec.Queue == 0:
		s += fmt.Sprintf("; %d firings wait as one run", n)
	case n > 1:
		s += fmt.Sprintf("; %d firings wait", n)
	}
	if info.State.NextKnown {
		s += "; next " + a.Coming(info.State.Next)
	}
	return s
}

func (a *app) lastLine(info task.Info) string {
	if info.LastRun == nil {
		return ""
	}
	return a.last(info).Text
}

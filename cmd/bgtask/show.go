package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/task"
)

func newShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "show TASK",
		Short:             "Everything stored about a task",
		Args:              exactly(1),
		ValidArgsFunction: a.completeTask,
		RunE: func(c *cobra.Command, args []string) error {
			info, err := a.resolve(c.Context(), args[0])
			if err != nil {
				return err
			}
			info, err = a.broker.Task(c.Context(), info.TaskID)
			switch {
			case err != nil:
				return err
			case a.json:
				a.object(member{"task", task.FullInfo{Info: info}})
			default:
				a.show(info)
			}
			return nil
		},
	}
}

// show prints a label and a text a line.
func (a *app) show(info task.Info) {
	line := func(label, text string) {
		if text != "" {
			const textColumn = 16
			a.printf("%s\n", a.screen.wrap(clean(fmt.Sprintf("  %-12s  %s", label, text)), textColumn))
		}
	}
	spec := info.Spec
	a.printf("%s  %s\n", clean(fmt.Sprintf("%-14s", spec.Name)), a.screen.paint(faint, info.Package+", task "+info.TaskID.String()))
	line("trigger", task.TriggerText(spec.Trigger, info.GridFrom.In(a.zone)))
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

// showCommand is the one place that shows arguments and environment: they may
// hold secrets.
func (a *app) showCommand(c task.Command, line func(label, text string)) {
	words := []string{quoted(c.Path)}
	for _, arg := range c.Args {
		words = append(words, quoted(arg))
	}
	line("command", strings.Join(words, " "))
	line("directory", c.Dir)
	var env []string
	for _, v := range c.Env {
		env = append(env, quoted(v))
	}
	line("environment", strings.Join(env, " "))
	line("env file", c.EnvFile)
	line("umask", fmt.Sprintf("%04o", c.Umask))
}

// quoted is a word as a shell would read it.
func quoted(word string) string {
	if word != "" && strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=./:,@%+") == "" {
		return word
	}
	if strings.ContainsFunc(word, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "$" + "'" + strings.ReplaceAll(strings.Trim(strconv.Quote(word), `"`), "'", `\'`) + "'"
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

func conditionsLine(spec task.Spec) string {
	if len(spec.Conditions) == 0 {
		return "none"
	}
	s := task.ConditionList(spec.Conditions)
	if len(spec.RunIfUnknown) > 0 {
		s += "; when nobody knows, " + task.ConditionList(spec.RunIfUnknown) + " counts as holding"
	}
	if spec.CancelOnConditionLoss {
		s += "; lost while running: canceled, runs again"
	}
	return s
}

func optionsLine(spec task.Spec) string {
	r := spec.Retry.WithDefaults()
	parts := []string{
		fmt.Sprintf("%s, from %s to %s", plural(r.Attempts, "attempt"), task.Interval(r.First), task.Interval(r.Limit)),
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
		parts = append(parts, "any failure is tried again")
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
		return "held for ever"
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
		s += "; next " + a.coming(info.State.Next)
	}
	return s
}

func (a *app) lastLine(info task.Info) string {
	if info.LastRun == nil {
		return ""
	}
	return a.last(info).text
}

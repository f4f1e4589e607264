package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/task"
)

func newFacts(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "facts",
		Short: "What is known of the machine, since when, from whom",
		Args:  noSubverb,
		RunE: func(c *cobra.Command, _ []string) error {
			facts, sources, err := a.broker.Facts(c.Context())
			if err != nil {
				return err
			}
			if a.json {
				a.object(member{"facts", listOf(facts)}, member{"sources", listOf(sources)})
				return nil
			}
			all, err := a.tasks(c.Context())
			if err != nil {
				return err
			}
			a.facts(facts, newNames(all))
			for _, s := range sources {
				for _, class := range mute(s) {
					a.printf("%s cannot fire: %s\n", class, clean(cmp.Or(s.Detail, s.Status.String())))
				}
			}
			return nil
		},
	}
	c.AddCommand(newOverride(a), newClear(a))
	return c
}

// noSubverb refuses a word after a verb that has verbs of its own.
func noSubverb(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := usage(c, fmt.Sprintf("there is no %q here", args[0]))
	var verbs []string
	for _, verb := range c.Commands() {
		verbs = append(verbs, verb.Name())
	}
	if near := nearest(args[0], verbs); len(near) > 0 {
		err.Hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return err
}

func newOverride(a *app) *cobra.Command {
	var lasts time.Duration
	c := &cobra.Command{
		Use:               "override NAME=VALUE",
		Short:             "Say what a fact is, for testing; it is marked everywhere",
		Args:              exactly(1),
		ValidArgsFunction: completeFact,
		RunE: func(c *cobra.Command, args []string) error {
			name, value, ok := strings.Cut(args[0], "=")
			if !ok || name == "" || value == "" {
				return usage(c, fmt.Sprintf("%q is not NAME=VALUE", args[0]))
			}
			if value == task.Unknown.String() {
				value = string(task.Unknown)
			}
			if err := knownValue(c, name, task.Value(value)); err != nil {
				return err
			}
			if err := a.broker.OverrideFact(c.Context(), name, task.Value(value), lasts); err != nil {
				return err
			}
			if a.json {
				a.object(member{"fact", name}, member{"value", orNull(value)})
				return nil
			}
			until := "until the broker ends"
			if lasts > 0 {
				until = "for " + task.Interval(lasts)
			}
			a.printf("%s=%v %s; 'bgtask facts clear %s' ends it\n", clean(name), task.Value(value), until, clean(name))
			return nil
		},
	}
	durationVar(c.Flags(), &lasts, "for", "end it after this time")
	return c
}

func newClear(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "clear [NAME]",
		Short:             "End an override, or all",
		Args:              between(0, 1),
		ValidArgsFunction: completeFact,
		RunE: func(c *cobra.Command, args []string) error {
			name := strings.Join(args, "")
			if err := knownValue(c, name, task.Unknown); name != "" && err != nil {
				return err
			}
			if err := a.broker.ClearOverride(c.Context(), name); err != nil {
				return err
			}
			if a.json {
				a.object(member{"cleared", orNull(name)})
				return nil
			}
			if name == "" {
				name = "all facts"
			}
			a.printf("%s: what the sources say counts again\n", clean(name))
			return nil
		},
	}
}

// knownValue refuses a slip: an override of a fact that nobody reads does nothing, and
// no condition holds, and none fails, by a word that nothing knows. Facts of an
// external source have its prefix, "source/fact".
func knownValue(c *cobra.Command, name string, v task.Value) error {
	if strings.Contains(name, "/") {
		return nil
	}
	slip := factSlip(name, v)
	if slip == nil {
		return nil
	}
	e := usage(c, slip.Detail)
	e.Hint = slip.Hint
	return e
}

// factSlip is what the table of facts says is wrong, and the nearest names that there
// are; nil: nothing.
func factSlip(name string, v task.Value) *task.Error {
	var slip *task.Error
	if !errors.As(task.CheckFact(name, v), &slip) {
		return nil
	}
	if near := nearest(name, task.FactNames()); len(near) > 0 && !slices.Contains(task.FactNames(), name) {
		slip.Hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return slip
}

func completeFact(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return task.FactNames(), cobra.ShellCompDirectiveNoSpace
}

func (a *app) facts(facts []task.Fact, n names) {
	t := newTable("FACT", "VALUE", "SINCE", "SOURCE", "USED BY")
	for _, f := range facts {
		since, source := a.since(f.Since), f.Origin()
		if f.Overridden {
			since, source = a.overridden(f)
		}
		value := text(a.valueColumn(f.Value))
		if !f.Value.Known() {
			value.color = yellow
		}
		var users []string
		for _, path := range f.UsedBy {
			users = append(users, n.user(path))
		}
		slices.Sort(users)
		t.add(text(f.Name), value, text(since), colored(faint, source), text(strings.Join(users, ", ")))
	}
	a.print(t)
}

const valueColumns = 20 // most are words; the network is a long one

func (a *app) valueColumn(v task.Value) string {
	if a.screen.terminal {
		return cut(oneLine(v.String()), valueColumns)
	}
	return v.String()
}

// overridden parts "overridden by you (logind: away)" into two columns.
func (a *app) overridden(f task.Fact) (since, source string) {
	since, source, _ = strings.Cut(f.Origin(), " (")
	if !f.Until.IsZero() {
		since += " until " + a.clock(f.Until)
	}
	if source != "" {
		source = "(" + source
	}
	return since, source
}

// since is "12:58:02, 1 h".
func (a *app) since(t time.Time) string {
	switch {
	case t.IsZero():
		return "-"
	case !a.screen.terminal:
		return a.stamp(t)
	}
	return a.clock(t) + ", " + task.Roughly(max(0, a.now().Sub(t)))
}

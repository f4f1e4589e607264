package machine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/task"
)

func newFacts(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "facts",
		Short: "Show what is known about the machine, and who reported it",
		Args:  verb.NoSubverb,
		RunE: func(c *cobra.Command, _ []string) error {
			facts, sources, err := a.Broker.Facts(c.Context())
			if err != nil {
				return err
			}
			if a.JSON {
				a.Object(term.Member("facts", term.ListOf(facts)), term.Member("sources", term.ListOf(sources)))
				return nil
			}
			all, err := a.Tasks(c.Context())
			if err != nil {
				return err
			}
			a.facts(facts, verb.NewNames(all))
			for _, s := range sources {
				for _, class := range mute(s) {
					a.Printf("%s cannot fire: %s\n", class, term.Clean(cmp.Or(s.Detail, s.Status.String())))
				}
			}
			return nil
		},
	}
	c.AddCommand(newOverride(a), newClear(a))
	return c
}

func newOverride(a *app) *cobra.Command {
	var lasts time.Duration
	c := &cobra.Command{
		Use:   "override NAME=VALUE",
		Short: "Set a fact by hand, for testing",
		Long: `Set a fact by hand, for testing.

The conditions and triggers of tasks see this value instead of the one that the
sources report. Every list marks the fact as overridden. The override ends with
--for, with 'bgtask facts clear', or when the broker stops.`,
		Example:           "  bgtask facts override internet=no --for 10m\n  bgtask facts override user=unknown",
		Args:              verb.Exactly(1),
		ValidArgsFunction: verb.CompleteFact,
		RunE: func(c *cobra.Command, args []string) error {
			name, value, ok := strings.Cut(args[0], "=")
			if !ok || name == "" || value == "" {
				return verb.Usage(c, fmt.Sprintf("%q is not NAME=VALUE", args[0]))
			}
			if value == task.Unknown.String() {
				value = string(task.Unknown)
			}
			if err := knownValue(c, name, task.Value(value)); err != nil {
				return err
			}
			if err := a.Broker.OverrideFact(c.Context(), name, task.Value(value), lasts); err != nil {
				return err
			}
			if a.JSON {
				a.Object(term.Member("fact", name), term.Member("value", term.OrNull(value)))
				return nil
			}
			until := "until the broker stops"
			if lasts > 0 {
				until = "for " + task.Interval(lasts)
			}
			a.Printf("%s=%v %s. To undo: bgtask facts clear %s\n", term.Clean(name), task.Value(value), until, term.Clean(name))
			return nil
		},
	}
	term.DurationVar(c.Flags(), &lasts, "for", "remove the override after this time")
	return c
}

func newClear(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "clear [NAME]",
		Short:             "Remove an override, or all overrides",
		Args:              verb.Between(0, 1),
		ValidArgsFunction: verb.CompleteFact,
		RunE: func(c *cobra.Command, args []string) error {
			name := strings.Join(args, "")
			if err := knownValue(c, name, task.Unknown); name != "" && err != nil {
				return err
			}
			if err := a.Broker.ClearOverride(c.Context(), name); err != nil {
				return err
			}
			if a.JSON {
				a.Object(term.Member("cleared", term.OrNull(name)))
				return nil
			}
			if name == "" {
				name = "all facts"
			}
			a.Printf("%s: the sources decide again\n", term.Clean(name))
			return nil
		},
	}
}

// knownValue refuses a fact or value that does not exist: such an override would have no
// effect. The facts of external sources, "source/fact", are not in the table.
func knownValue(c *cobra.Command, name string, v task.Value) error {
	if strings.Contains(name, "/") {
		return nil
	}
	slip := verb.FactSlip(name, v)
	if slip == nil {
		return nil
	}
	e := verb.Usage(c, slip.Detail)
	e.Hint = slip.Hint
	return e
}

func (a *app) facts(facts []task.Fact, n verb.Names) {
	t := term.NewTable("FACT", "VALUE", "SINCE", "SOURCE", "USED BY")
	for _, f := range facts {
		since, source := a.since(f.Since), f.Origin()
		if f.Overridden {
			since, source = a.overridden(f)
		}
		value := term.Text(a.valueColumn(f.Value))
		if !f.Value.Known() {
			value.Color = term.Yellow
		}
		var users []string
		for _, path := range f.UsedBy {
			users = append(users, n.User(path))
		}
		slices.Sort(users)
		t.Add(term.Text(f.Name), value, term.Text(since), term.Colored(term.Faint, source), term.Text(strings.Join(users, ", ")))
	}
	a.Table(t)
}

const valueColumns = 20 // most values are words; the name of the network can be long

func (a *app) valueColumn(v task.Value) string {
	if a.Screen.Terminal {
		return term.Cut(term.OneLine(v.String()), valueColumns)
	}
	return v.String()
}

// overridden splits "overridden by you (logind: away)" into two columns.
func (a *app) overridden(f task.Fact) (since, source string) {
	since, source, _ = strings.Cut(f.Origin(), " (")
	if !f.Until.IsZero() {
		since += " until " + a.Clock(f.Until)
	}
	if source != "" {
		source = "(" + source
	}
	return since, source
}

// since formats a time as "12:58:02, 1 h".
func (a *app) since(t time.Time) string {
	switch {
	case t.IsZero():
		return "-"
	case !a.Screen.Terminal:
		return a.Stamp(t)
	}
	return a.Clock(t) + ", " + task.Roughly(max(0, a.Now().Sub(t)))
}

package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/broker"
	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/internal/store"
	"github.com/bgtask/bgtask/task"
)

// newRestore works on the files, without a broker: there is none while the store
// is refused.
func newRestore(a *app) *cobra.Command {
	var dir string
	var keep bool
	c := &cobra.Command{
		Use:   "restore [DATE]",
		Short: "Go back to a daily copy of the store",
		Long: `Show what the store and its daily copies contain, or go back to one of them.

Without arguments nothing is changed: each line shows what that copy has, and which
tasks going back to it would lose. The broker must be stopped.

The files that are replaced are set aside in the state directory, not deleted.`,
		Example: `  bgtask restore              # what there is
  bgtask restore 2026-11-27   # go back to the copy of that day
  bgtask restore --keep       # keep what can still be read`,
		Args: verb.Between(0, 1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if dir, err = broker.StateDir(dir); err != nil {
				return err
			}
			switch {
			case keep && len(args) > 0:
				return term.Refuse("--keep and a date exclude each other", "")
			case keep:
				err = a.replaced(store.Keep(c.Context(), dir, a.Now()))
			case len(args) > 0:
				err = a.restore(c.Context(), dir, args[0])
			default:
				err = a.survey(c.Context(), dir)
			}
			return brokerRuns(err)
		},
	}
	c.Flags().BoolVar(&keep, "keep", false, "keep the store as far as it can still be read")
	c.Flags().StringVar(&dir, "state", "", "the state directory")
	return c
}

// brokerRuns adds the remedy to an error that says that a broker has the store.
func brokerRuns(err error) error {
	if held := (*store.LockedError)(nil); errors.As(err, &held) {
		return &task.Error{Op: "restore", Err: err, Detail: err.Error(), Hint: "stop it first: bgtask daemon stop"}
	}
	return err
}

func (a *app) survey(ctx context.Context, dir string) error {
	v, err := store.Examine(ctx, dir)
	if err != nil {
		return err
	}
	if a.JSON {
		a.Object(surveyJSON(v)...)
		return nil
	}
	if v.Refused != nil {
		a.Printf("%s\n\n", term.Clean(v.Refused.Error()))
	} else {
		a.Printf("%s is in order.\n\n", v.Store.Path)
	}
	t := term.NewTable("COPY", "TASKS", "LAST EVENT", "WITHOUT")
	all := everyTask(v)
	for i, c := range append([]store.Contents{v.Store}, v.Copies...) {
		name := copyDate(c.Path)
		if i == 0 {
			name = "as it is"
		}
		t.Add(term.Text(name), tasksCell(c), a.eventCell(c.Last), term.Colored(term.Yellow, strings.Join(without(all, c.Tasks), ", ")))
	}
	a.Table(t)
	if len(v.Copies) > 0 {
		a.Printf("\nTo go back to a copy: bgtask restore %s\n", copyDate(v.Copies[0].Path))
	}
	if v.Refused != nil {
		a.Printf("To keep what can still be read: bgtask restore --keep\n")
	}
	return nil
}

func (a *app) eventCell(t time.Time) term.Cell {
	if t.IsZero() {
		return term.Text("-")
	}
	return term.Text(a.Stamp(t))
}

func tasksCell(c store.Contents) term.Cell {
	text := strconv.Itoa(len(c.Tasks))
	switch {
	case c.Err != nil && len(c.Tasks) == 0:
		return term.Colored(term.Red, "unreadable")
	case c.Err != nil || c.Broken > 0:
		return term.Colored(term.Red, text+", some unreadable")
	}
	return term.Text(text)
}

// everyTask is each task that some copy, or the store, has.
func everyTask(v store.Survey) []string {
	all := slices.Clone(v.Store.Tasks)
	for _, c := range v.Copies {
		all = append(all, c.Tasks...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func without(all, some []string) (missing []string) {
	for _, name := range all {
		if _, ok := slices.BinarySearch(some, name); !ok {
			missing = append(missing, term.OneLine(name))
		}
	}
	return missing
}

// copyDate is how a copy is named on the command line.
func copyDate(path string) string {
	return strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "store-"), ".db")
}

func (a *app) restore(ctx context.Context, dir, date string) error {
	v, err := store.Examine(ctx, dir)
	if err != nil {
		return err
	}
	var dates []string
	for _, c := range v.Copies {
		if copyDate(c.Path) == date {
			return a.replaced(store.Restore(ctx, dir, c.Path, a.Now()))
		}
		dates = append(dates, copyDate(c.Path))
	}
	hint := "there are none"
	if len(dates) > 0 {
		hint = "there are " + term.And(dates)
	}
	return &task.Error{Op: "restore", Subject: date, Err: task.ErrInvalid, Detail: "there is no daily copy of this date", Hint: hint}
}

// replaced reports what became of the old files.
func (a *app) replaced(aside string, err error) error {
	if err != nil {
		return err
	}
	if a.JSON {
		a.Object(term.Member("replaced_files", aside))
		return nil
	}
	a.Printf("restored; the replaced files are in %s\n", aside)
	return nil
}

func surveyJSON(v store.Survey) []term.Field {
	var refused *string
	if v.Refused != nil {
		refused = term.OrNull(v.Refused.Error())
	}
	copies := make([]any, 0, len(v.Copies))
	for _, c := range v.Copies {
		copies = append(copies, contentsJSON(c))
	}
	return []term.Field{term.Member("refused", refused), term.Member("store", contentsJSON(v.Store)), term.Member("copies", copies)}
}

func contentsJSON(c store.Contents) any {
	var failed *string
	if c.Err != nil {
		failed = term.OrNull(c.Err.Error())
	}
	return struct {
		Path   string     `json:"path"`
		Date   string     `json:"date,omitempty"`
		Tasks  []string   `json:"tasks"`
		Broken int        `json:"broken"`
		Newest uint64     `json:"newest"`
		Last   *time.Time `json:"last"`
		Error  *string    `json:"error"`
	}{c.Path, strings.TrimPrefix(copyDate(c.Path), "store"), term.ListOf(c.Tasks), c.Broken, c.Newest, term.TimeOrNull(c.Last), failed}
}

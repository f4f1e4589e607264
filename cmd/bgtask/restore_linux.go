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

// newRestore is the verb that examines and replaces the files of the store. It works
// without a broker, which does not start if it refuses the store.
func newRestore(a *app) *cobra.Command {
	var dir string
	var keep bool
	c := &cobra.Command{
		Use:   "restore [DATE]",
		Short: "Show the store and its daily copies, or go back to one",
		Long: `Show what the store and its daily copies contain, or go back to one of them.

Without arguments, nothing is changed: each line shows what that copy contains, and
which tasks are missing in it. The broker must be stopped.

Files that are replaced are moved aside in the state directory, not deleted.`,
		Example: `  bgtask restore              # show the copies
  bgtask restore 2026-11-27   # go back to the copy of that day
  bgtask restore --keep       # save what can still be read`,
		Args: verb.Between(0, 1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if dir, err = broker.StateDir(dir); err != nil {
				return err
			}
			switch {
			case keep && len(args) > 0:
				return term.Refuse("--keep cannot be used together with a date", "use one of them")
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
	c.Flags().BoolVar(&keep, "keep", false, "rebuild the store from what can still be read")
	c.Flags().StringVar(&dir, "state", "", "the state `DIR`")
	return c
}

// brokerRuns adds a hint to the error that a broker holds the store.
func brokerRuns(err error) error {
	if held := (*store.LockedError)(nil); errors.As(err, &held) {
		return &task.Error{Op: "restore", Err: err, Detail: err.Error(), Hint: "stop the broker first: bgtask daemon stop"}
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
	t := term.NewTable("COPY", "TASKS", "LAST EVENT", "MISSING TASKS")
	all := everyTask(v)
	for i, c := range append([]store.Contents{v.Store}, v.Copies...) {
		name := copyDate(c.Path)
		if i == 0 {
			name = "current"
		}
		t.Add(term.Text(name), tasksCell(c), a.eventCell(c.Last), term.Colored(term.Yellow, strings.Join(without(all, c.Tasks), ", ")))
	}
	a.Table(t)
	if len(v.Copies) > 0 {
		a.Printf("\nTo go back to a copy: bgtask restore %s\n", copyDate(v.Copies[0].Path))
	}
	if v.Refused != nil {
		a.Printf("To save what can still be read: bgtask restore --keep\n")
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

// everyTask returns the tasks that the store or any copy contains.
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

// copyDate returns the date that names a copy on the command line.
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
	hint := "there are no daily copies"
	if len(dates) > 0 {
		hint = "choose one of: " + strings.Join(dates, " ")
	}
	return &task.Error{Op: "restore", Subject: date, Err: task.ErrInvalid, Detail: "no daily copy of this date", Hint: hint}
}

// replaced prints where the old files are.
func (a *app) replaced(aside string, err error) error {
	if err != nil {
		return err
	}
	if a.JSON {
		a.Object(term.Member("replaced_files", aside))
		return nil
	}
	a.Printf("Restored. The replaced files are in %s\n", aside)
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

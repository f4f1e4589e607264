package verb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// How the command line writes ids.
const (
	idPrefix  = "id:" // forces an id
	MinDigits = 4     // the least digits of an id that a user may type
)

// Tasks returns the tasks of all groups, of the package of -p if it is given.
func (e *Env) Tasks(ctx context.Context) ([]task.Info, error) {
	all, err := e.Broker.Tasks(ctx, wire.TaskQuery{AllGroups: true})
	if err != nil || e.Package == "" {
		return all, err
	}
	var kept []task.Info
	families := map[string]bool{}
	for _, info := range all {
		if InPackage(info.Package, e.Package) {
			kept = append(kept, info)
			families[info.Package] = true
		}
	}
	switch {
	case len(families) > 1 && !families[e.Package]:
		return nil, ambiguousPackage(e.Package, families)
	case len(kept) == 0:
		_, err = e.Family(ctx, e.Package) // a package without tasks is fine, an unknown one is not
	}
	return kept, err
}

// InPackage reports whether word names the family: in full, or by the part before "_".
func InPackage(family, word string) bool { return family == word || shortFamily(family) == word }

// Resolve finds the one task that word names. An exact name takes precedence over an id.
func (e *Env) Resolve(ctx context.Context, word string) (task.Info, error) {
	all, err := e.Tasks(ctx)
	if err != nil {
		return task.Info{}, err
	}
	found := match(all, word)
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return task.Info{}, noTask(all, word, e.Package)
	}
	return task.Info{}, ambiguous(all, found, word)
}

func match(all []task.Info, word string) []task.Info {
	if id, ok := strings.CutPrefix(word, idPrefix); ok {
		return withID(all, id)
	}
	var found []task.Info
	pkg, name, qualified := cutLast(word, "/")
	for _, info := range all {
		if info.Spec.Name == word || qualified && info.Spec.Name == name && InPackage(info.Package, pkg) {
			found = append(found, info)
		}
	}
	if len(found) > 0 {
		return found
	}
	return withID(all, word)
}

// withID finds the tasks whose id begins with these digits, with or without dashes.
func withID(all []task.Info, digits string) (found []task.Info) {
	digits = strings.ToLower(strings.Trim(digits, "{}"))
	bare := strings.ReplaceAll(digits, "-", "")
	if len(bare) < MinDigits || strings.Trim(bare, "0123456789abcdef") != "" {
		return nil
	}
	for _, info := range all {
		if strings.HasPrefix(strings.ReplaceAll(info.TaskID.String(), "-", ""), bare) {
			found = append(found, info)
		}
	}
	return found
}

// Named puts the name of the task into an error of the broker, which has its id.
func Named(info task.Info, err error) error {
	e, ok := term.Outermost(err)
	if !ok || e.Subject != info.TaskID.String() {
		return err
	}
	own := *e
	own.Subject = info.Spec.Name
	return &own
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+len(sep):], true
}

func noTask(all []task.Info, word, pkg string) error {
	e := &task.Error{Err: task.ErrNotRegistered, Detail: fmt.Sprintf("no task named %q", word), Hint: "'bgtask list' lists all tasks"}
	if pkg != "" {
		e.Detail += " in package " + pkg
	}
	if id, ok := strings.CutPrefix(word, idPrefix); ok {
		e.Detail = fmt.Sprintf("no task has an id that begins with %q", id)
		if len(id) < MinDigits {
			e.Hint = fmt.Sprintf("give at least %d digits", MinDigits)
		}
		return e
	}
	if len(all) == 0 {
		e.Hint = "there are no tasks; 'bgtask add --help' explains how to create one"
	}
	e.Hint = cmp.Or(nearTasks(all, word), e.Hint)
	return e
}

// nearTasks suggests the tasks that were probably meant, as "SyncNotes (notes)".
func nearTasks(all []task.Info, word string) string {
	n := NewNames(all)
	var candidates []string
	_, wanted, _ := cutLast(word, "/")
	where := map[string]string{}
	for _, info := range all {
		candidates = append(candidates, info.Spec.Name)
		where[info.Spec.Name] = n.Package(info.Package)
	}
	near := term.Nearest(wanted, candidates)
	for i, name := range near {
		near[i] = name + " (" + where[name] + ")"
	}
	return term.Suggest(near)
}

func ambiguous(all, found []task.Info, word string) error {
	n := NewNames(all)
	const shown = 8
	var labels []string
	for i, info := range found {
		if i == shown {
			labels = append(labels, fmt.Sprintf("and %d more", len(found)-shown))
			break
		}
		label := n.tasks[info.TaskID]
		if label == info.Spec.Name {
			label = n.path(info)
		}
		labels = append(labels, label)
	}
	return errors.Join(
		&task.Error{Err: term.ErrAmbiguous, Detail: fmt.Sprintf("%q matches %d tasks", word, len(found)), Hint: "use one of these names"},
		&task.Error{Err: term.ErrAmbiguous, Detail: strings.Join(labels, ", ")},
	)
}

// Family finds the package that word names: by its family name, or the part before "_".
func (e *Env) Family(ctx context.Context, word string) (task.Package, error) {
	all, err := e.Broker.Packages(ctx)
	if err != nil {
		return task.Package{}, err
	}
	var found []task.Package
	families := map[string]bool{}
	var candidates []string
	for _, p := range all {
		if p.Family == word {
			return p, nil
		}
		if InPackage(p.Family, word) {
			found = append(found, p)
			families[p.Family] = true
		}
		candidates = append(candidates, shortFamily(p.Family))
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		e := &task.Error{Err: task.ErrNotRegistered, Detail: fmt.Sprintf("no package named %q", word), Hint: cmp.Or(term.DidYouMean(word, candidates), "'bgtask packages' lists all packages")}
		return task.Package{}, e
	}
	return task.Package{}, ambiguousPackage(word, families)
}

func ambiguousPackage(word string, families map[string]bool) error {
	return &task.Error{Err: term.ErrAmbiguous, Detail: fmt.Sprintf("%q matches %d packages: %s", word, len(families), strings.Join(term.SortedKeys(families), ", ")),
		Hint: "use the full family name"}
}

package winbroker

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/bgtask/bgtask/internal/winrt"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// Tasks returns registrations, and deletes the records of those that are gone.
func (b *Broker) Tasks(_ context.Context, q wire.TaskQuery) ([]task.Info, error) {
	a, err := b.open("list")
	if err != nil {
		return nil, err
	}
	known, unread := a.records.known() // first, so that a new registration is not swept
	all, err := b.system.Tasks()
	if err != nil {
		return nil, winrt.Explain("list", "", err)
	}
	there := func(id task.GUID) bool {
		return slices.ContainsFunc(all, func(r winrt.Registered) bool { return r.ID == id })
	}
	if err := errors.Join(unread, a.records.sweep(known, there)); err != nil {
		b.logger.Warn("bgtask: the records of removed tasks could not be deleted", "error", err)
	}
	var infos []task.Info
	for _, r := range all {
		if !q.AllGroups && !slices.Contains(groupsOf(q), r.Group) {
			continue
		}
		info, err := a.info(r)
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	return infos, nil
}

func groupsOf(q wire.TaskQuery) []string {
	if len(q.Groups) == 0 {
		return []string{""}
	}
	return q.Groups
}

// Task returns one registration.
func (b *Broker) Task(_ context.Context, id task.GUID) (task.Info, error) {
	a, err := b.open("show")
	if err != nil {
		return task.Info{}, err
	}
	all, err := b.system.Tasks()
	if err != nil {
		return task.Info{}, winrt.Explain("show", id.String(), err)
	}
	for _, r := range all {
		if r.ID == id {
			return a.info(r)
		}
	}
	return task.Info{}, notRegistered("show", id)
}

// info returns what Windows and the records know together.
func (a *application) info(r winrt.Registered) (task.Info, error) {
	info := task.Info{TaskID: r.ID, Package: a.family, Spec: task.Spec{Name: r.Name, Group: r.Group}}
	if kept, ok := a.records.registration(r.ID); ok {
		info.Spec, info.Registered, info.GridFrom = kept.Spec, kept.Registered, kept.Registered
	}
	info.State = task.State{Phase: task.Waiting, Since: info.Registered, Now: time.Now(), Text: "for Windows to start it"}
	if err := a.records.fill(&info); err != nil {
		return info, unwritable("list", a.records.dir(r.ID), err)
	}
	return info, nil
}

// Groups returns the groups that contain registrations.
func (b *Broker) Groups(context.Context) ([]string, error) {
	if _, err := b.open("list groups"); err != nil {
		return nil, err
	}
	all, err := b.system.Tasks()
	if err != nil {
		return nil, winrt.Explain("list groups", "", err)
	}
	var groups []string
	for _, r := range all {
		if r.Group != "" {
			groups = append(groups, r.Group)
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups), nil
}

// History yields the runs that ended, newest first.
func (b *Broker) History(ctx context.Context, q wire.HistoryQuery) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) {
		info, err := b.Task(ctx, q.TaskID)
		if err != nil {
			yield(task.Event{}, err)
			return
		}
		all, err := b.opened.records.runs(info)
		if err != nil {
			yield(task.Event{}, unwritable("history", info.Spec.Name, err))
			return
		}
		shown := 0
		for i := range all {
			if !wanted(q, all[i]) {
				continue
			}
			if shown++; q.Limit > 0 && shown > q.Limit || !yield(ended(info, &all[i]), nil) {
				return
			}
		}
	}
}

func wanted(q wire.HistoryQuery, r task.Run) bool {
	switch {
	case r.Outcome == task.OutcomeNone,
		len(q.Kinds) > 0 && !slices.Contains(q.Kinds, task.EventEnded),
		len(q.Outcomes) > 0 && !slices.Contains(q.Outcomes, r.Outcome),
		!q.RunID.IsZero() && r.ID != q.RunID,
		!q.Since.IsZero() && r.Ended.Before(q.Since),
		!q.Until.IsZero() && !r.Ended.Before(q.Until):
		return false
	}
	return true
}

func ended(info task.Info, r *task.Run) task.Event {
	return task.Event{Seq: r.Occurrence.Number, Kind: task.EventEnded, Time: r.Ended, TaskID: info.TaskID, Package: info.Package, Name: info.Spec.Name, Run: r}
}

package winrt

import (
	"cmp"
	"context"
	"slices"

	"github.com/bgtask/bgtask/internal/com"
	"github.com/bgtask/bgtask/task"
)

// Tasks returns the application's registrations, including those in groups,
// sorted by id.
func Tasks() ([]Registered, error) {
	var all []Registered
	err := eachTask(func(r *com.Unknown, group string) (bool, error) {
		id, err := taskID(r)
		if err != nil {
			return false, err
		}
		name, err := Registration.text(r, "get_Name")
		all = append(all, Registered{ID: id, Name: name, Group: group})
		return true, err
	})
	slices.SortFunc(all, func(a, b Registered) int { return cmp.Compare(a.ID.String(), b.ID.String()) })
	return all, err
}

// Unregister removes a registration. It returns false if there is none with this
// id.
func Unregister(id task.GUID, cancel bool) (bool, error) {
	return find(id, func(r *com.Unknown) error { return Registration.call(r, "Unregister", com.Bool(cancel)) })
}

// Request requests a run from an ApplicationTrigger. It returns false if there is
// no registration with this id.
func Request(ctx context.Context, id task.GUID, arguments []byte) (result RequestAnswer, found bool, err error) {
	found, err = find(id, func(r *com.Unknown) error {
		result, err = requestOf(ctx, r, arguments)
		return err
	})
	return result, found, err
}

// find calls f with the registration. It returns false if there is none.
func find(id task.GUID, f func(*com.Unknown) error) (found bool, err error) {
	err = eachTask(func(r *com.Unknown, _ string) (bool, error) {
		this, err := taskID(r)
		if err != nil || this != id {
			return true, err
		}
		found = true
		return false, f(r)
	})
	return found, err
}

func taskID(registration *com.Unknown) (task.GUID, error) {
	id, err := get[com.GUID](Registration, registration, "get_TaskId")
	return id.Task(), err
}

// eachTask calls f with each registration until f returns false or fails.
func eachTask(f func(registration *com.Unknown, group string) (more bool, err error)) error {
	statics, err := RegistrationStatics.factory(ClassRegistration)
	if err != nil {
		return err
	}
	defer statics.Release()
	ungrouped, err := get[*com.Unknown](RegistrationStatics, statics, "get_AllTasks")
	if err != nil {
		return err
	}
	defer ungrouped.Release()
	more, err := eachOf(TaskMap, ungrouped, "", f)
	if err != nil || !more {
		return err
	}
	return eachGroup(func(group *com.Unknown, id string) (bool, error) {
		tasks, err := get[*com.Unknown](Group, group, "get_AllTasks")
		if err != nil {
			return false, err
		}
		defer tasks.Release()
		return eachOf(GroupTaskMap, tasks, id, f)
	})
}

func eachOf(view View, tasks *com.Unknown, group string, f func(*com.Unknown, string) (bool, error)) (more bool, err error) {
	more = true
	err = view.each(tasks, func(pair *com.Unknown) (bool, error) {
		registration, err := get[*com.Unknown](view.Pair, pair, "get_Value")
		if err != nil {
			return false, err
		}
		defer registration.Release()
		more, err = f(registration, group)
		return more, err
	})
	return more, err
}

// eachGroup calls f with each group until f returns false or fails.
func eachGroup(f func(group *com.Unknown, id string) (bool, error)) error {
	statics, err := RegistrationStatics2.factory(ClassRegistration)
	if err != nil {
		return err
	}
	defer statics.Release()
	groups, err := get[*com.Unknown](RegistrationStatics2, statics, "get_AllTaskGroups")
	if err != nil {
		return err
	}
	defer groups.Release()
	return GroupMap.each(groups, func(pair *com.Unknown) (bool, error) {
		group, err := get[*com.Unknown](GroupMap.Pair, pair, "get_Value")
		if err != nil {
			return false, err
		}
		defer group.Release()
		id, err := Group.text(group, "get_Id")
		if err != nil {
			return false, err
		}
		return f(group, id)
	})
}

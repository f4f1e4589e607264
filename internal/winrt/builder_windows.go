package winrt

import (
	"unsafe"

	"github.com/bgtask/bgtask/internal/com"
	"github.com/bgtask/bgtask/task"
)

// Register registers a task and returns its id.
func Register(s task.Spec) (id task.GUID, err error) {
	b, err := activate(ClassBuilder)
	if err != nil {
		return id, err
	}
	defer b.Release()
	builder, err := Builder.of(b)
	if err != nil {
		return id, err
	}
	defer builder.Release()
	if err := fill(builder, s); err != nil {
		return id, err
	}
	registration, err := get[*com.Unknown](Builder, builder, "Register")
	if err != nil {
		return id, err
	}
	defer registration.Release()
	return taskID(registration)
}

func fill(builder *com.Unknown, s task.Spec) error {
	if err := Builder.setText(builder, "put_Name", s.Name); err != nil {
		return err
	}
	err := with(builder, Builder5, func(b *com.Unknown) error {
		return Builder5.wrap("SetTaskEntryPointClsid", b.CallGUID(Builder5.Slot("SetTaskEntryPointClsid"), com.FromTask(s.EntryPoint)))
	})
	if err != nil {
		return err
	}
	trigger, err := newTrigger(s.Trigger)
	if err != nil {
		return err
	}
	defer trigger.Release()
	if err := Builder.call(builder, "SetTrigger", uintptr(unsafe.Pointer(trigger))); err != nil {
		return err
	}
	if err := addConditions(builder, s.Conditions); err != nil {
		return err
	}
	if err := cancelOnLoss(builder, s.CancelOnConditionLoss); err != nil {
		return err
	}
	return putInto(builder, s.Group)
}

func addConditions(builder *com.Unknown, all []task.Condition) error {
	for _, c := range all {
		condition, err := newCondition(c)
		if err != nil {
			return err
		}
		err = Builder.call(builder, "AddCondition", uintptr(unsafe.Pointer(condition)))
		condition.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

func cancelOnLoss(builder *com.Unknown, cancel bool) error {
	if !cancel {
		return nil // the default
	}
	return with(builder, Builder2, func(b *com.Unknown) error {
		return Builder2.call(b, "put_CancelOnConditionLoss", com.Bool(true))
	})
}

func putInto(builder *com.Unknown, id string) error {
	if id == "" {
		return nil
	}
	group, err := group(id)
	if err != nil {
		return err
	}
	defer group.Release()
	return with(builder, Builder4, func(b *com.Unknown) error {
		return Builder4.call(b, "put_TaskGroup", uintptr(unsafe.Pointer(group)))
	})
}

// group returns the group with this id, or creates it. A new group becomes
// effective with its first task.
func group(id string) (*com.Unknown, error) {
	if found, err := findGroup(id); err != nil || found != nil {
		return found, err
	}
	text, err := com.NewHString(id)
	if err != nil {
		return nil, err
	}
	defer text.Delete()
	return create(ClassGroup, GroupFactory, "Create", uintptr(text))
}

// findGroup returns nil if the group does not exist.
func findGroup(id string) (*com.Unknown, error) {
	statics, err := RegistrationStatics2.factory(ClassRegistration)
	if err != nil {
		return nil, err
	}
	defer statics.Release()
	text, err := com.NewHString(id)
	if err != nil {
		return nil, err
	}
	defer text.Delete()
	var found *com.Unknown
	err = RegistrationStatics2.call(statics, "GetTaskGroup", uintptr(text), uintptr(unsafe.Pointer(&found)))
	return found, err
}

package winrt

import (
	"fmt"
	"time"

	"github.com/bgtask/bgtask/internal/com"
	"github.com/bgtask/bgtask/task"
)

// newTrigger creates a trigger and returns its IBackgroundTrigger.
func newTrigger(t task.Trigger) (*com.Unknown, error) {
	made, err := construct(t)
	if err != nil {
		return nil, err
	}
	defer made.Release()
	return Trigger.of(made)
}

func construct(t task.Trigger) (*com.Unknown, error) {
	switch t := t.(type) {
	case task.TimeTrigger:
		return create2(ClassTimeTrigger, TimeTriggerFactory, "Create", minutes(t.Freshness), com.Bool(t.OneShot))
	case task.MaintenanceTrigger:
		return create2(ClassMaintenanceTrigger, MaintenanceTriggerFactory, "Create", minutes(t.Freshness), com.Bool(t.OneShot))
	case task.SystemTrigger:
		return create2(ClassSystemTrigger, SystemTriggerFactory, "Create", uintptr(t.Type), com.Bool(t.OneShot))
	case task.ApplicationTrigger:
		return activate(ClassApplicationTrigger)
	case task.PushNotificationTrigger:
		return pushTrigger(t.ApplicationID)
	case task.ToastNotificationActionTrigger:
		return activate(ClassToastTrigger)
	}
	return nil, fmt.Errorf("%s: %w", t.Class(), com.NotSupported)
}

func minutes(d time.Duration) uintptr { return uintptr(d / time.Minute) }

func pushTrigger(application string) (*com.Unknown, error) {
	if application == "" {
		return activate(ClassPushTrigger)
	}
	id, err := com.NewHString(application)
	if err != nil {
		return nil, err
	}
	defer id.Delete()
	return create(ClassPushTrigger, PushTriggerFactory, "Create", uintptr(id))
}

// newCondition creates a condition and returns its IBackgroundCondition.
func newCondition(c task.Condition) (*com.Unknown, error) {
	system, ok := c.(task.SystemCondition)
	if !ok {
		return nil, fmt.Errorf("%v: %w", c, com.NotSupported)
	}
	made, err := create(ClassCondition, SystemConditionFactory, "Create", uintptr(system))
	if err != nil {
		return nil, err
	}
	defer made.Release()
	return Condition.of(made)
}

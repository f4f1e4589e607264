package winrt

import (
	"context"

	"github.com/bgtask/bgtask/internal/com"
	"github.com/bgtask/bgtask/task"
)

// RequestAccess asks whether the application's tasks may run. Windows 10 and later
// show nothing to the user.
func RequestAccess(ctx context.Context) (task.AccessStatus, error) {
	manager, err := ExecutionManager.factory(ClassExecutionManager)
	if err != nil {
		return 0, err
	}
	defer manager.Release()
	operation, err := get[*com.Unknown](ExecutionManager, manager, "RequestAccessAsync")
	if err != nil {
		return 0, err
	}
	status, err := await[int32](ctx, AccessOperation, operation)
	return task.AccessStatus(status), err
}

// CurrentWorkCost is what background work costs now: WinRT's
// BackgroundWorkCostValue.
func CurrentWorkCost() (task.Value, error) {
	statics, err := WorkCost.factory(ClassWorkCost)
	if err != nil {
		return "", err
	}
	defer statics.Release()
	cost, err := get[int32](WorkCost, statics, "get_CurrentBackgroundWorkCost")
	return workCost(cost), err
}

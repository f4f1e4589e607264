package winrt

import (
	"context"

	"github.com/bgtask/bgtask/internal/com"
	"github.com/bgtask/bgtask/task"
)

// RequestAccess asks whether the application's tasks may run. Windows 10 and
// later do not prompt the user.
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

// CurrentWorkCost returns the current cost of background work, WinRT's
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

// workCost converts WinRT's BackgroundWorkCostValue to the value of a fact.
func workCost(n int32) task.Value {
	values := []task.Value{task.Low, task.Medium, task.High}
	if n < 0 || int(n) >= len(values) {
		return task.Unknown
	}
	return values[n]
}

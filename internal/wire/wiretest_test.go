package wire

import (
	"fmt"
	"math/rand/v2"
	"reflect"

	"github.com/bgtask/bgtask/internal/filled"
	"github.com/bgtask/bgtask/task"
)

// values fills the values with which the conversions are tested.
var values = filled.Filler{
	Variants: map[reflect.Type][]any{
		reflect.TypeFor[HostFrame](): {
			Hello{}, ObjectsChanged{}, Accepted{}, Refused{}, Progress{}, SaveCheckpoint{}, Finished{}, Leave{},
		},
		reflect.TypeFor[BrokerFrame](): {
			Welcome{}, Activate{}, CancelRun{}, Acknowledge{}, LeaveConfirmed{}, Stay{}, Drop{},
		},
	},
	Made: map[reflect.Type]func(*rand.Rand) any{
		reflect.TypeFor[task.Cursor](): func(r *rand.Rand) any { return task.Cursor(fmt.Sprint(r.Uint64())) },
		reflect.TypeFor[task.Result](): result,
		reflect.TypeFor[Change]():      func(r *rand.Rand) any { return Change(1 + r.IntN(int(Updated))) },
	},
}

// result returns a result that a host may report.
func result(r *rand.Rand) any {
	outcomes := []task.Outcome{task.Completed, task.Failed, task.RetryAsked, task.Canceled, task.Crashed}
	return task.Result{
		Outcome: outcomes[r.IntN(len(outcomes))], Reason: task.CancellationReason(1 + r.IntN(11)), Text: "why", Exit: "exit 3",
	}
}

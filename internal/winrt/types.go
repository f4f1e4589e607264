package winrt

import "github.com/bgtask/bgtask/task"

// Registered is what Windows tells of a registration.
type Registered struct {
	ID    task.GUID
	Name  string
	Group string
}

// RequestAnswer is WinRT's ApplicationTriggerResult, with its numbers.
type RequestAnswer int32

// The answers.
const (
	Allowed          RequestAnswer = 0
	CurrentlyRunning RequestAnswer = 1
	DisabledByPolicy RequestAnswer = 2
	UnknownError     RequestAnswer = 3
)

// Activated is what an instance tells of itself when it begins.
type Activated struct {
	Instance task.GUID
	TaskID   task.GUID
	Name     string
	Details  task.Details // nil: there are none
}

// workCost is WinRT's BackgroundWorkCostValue as a fact.
func workCost(n int32) task.Value {
	values := []task.Value{task.Low, task.Medium, task.High}
	if n < 0 || int(n) >= len(values) {
		return task.Unknown
	}
	return values[n]
}

// Events are told of a registration while the process is there. They come on
// threads of the system's.
type Events struct {
	Progress  func(instance task.GUID, value uint32)
	Completed func(instance task.GUID, err error) // err is what the run answered
}

package winrt

import "github.com/bgtask/bgtask/task"

// Registered is a registration as listed by Windows.
type Registered struct {
	ID    task.GUID
	Name  string
	Group string
}

// RequestAnswer is WinRT's ApplicationTriggerResult, with its numbers.
type RequestAnswer int32

// The values of RequestAnswer.
const (
	Allowed          RequestAnswer = 0
	CurrentlyRunning RequestAnswer = 1
	DisabledByPolicy RequestAnswer = 2
	UnknownError     RequestAnswer = 3
)

// Activated has the properties of an instance when its run begins.
type Activated struct {
	Instance task.GUID
	TaskID   task.GUID
	Name     string
	Details  task.Details // nil if there are none
}

// Events receives the events of a registration while the process is running. The
// functions are called on the system's threads.
type Events struct {
	Progress  func(instance task.GUID, value uint32)
	Completed func(instance task.GUID, err error) // err is the result of the run
}

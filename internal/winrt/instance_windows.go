package winrt

import (
	"sync"
	"unsafe"

	"github.com/bgtask/bgtask/internal/com"
	"github.com/bgtask/bgtask/task"
)

// Activation is the instance that a run receives, an object in another process.
// It must be closed.
type Activation struct{ u *com.Unknown }

// NewTask returns an IBackgroundTask. Run is called with each activation, on a
// separate goroutine and thread. It must close the activation and must not call
// runtime.Goexit. Gone is called when the last reference is released.
func NewTask(run func(*Activation) error, gone func()) *com.Unknown {
	return com.New(taskFunc(run), com.Object{Class: "Bgtask.Task", Gone: gone}, com.Interface{IID: Task.IID, Methods: taskTable()})
}

type taskFunc func(*Activation) error

var taskTable = sync.OnceValue(func() unsafe.Pointer {
	return com.InspectableTable(com.Method1(func(run taskFunc, instance *com.Unknown) error {
		if instance == nil {
			return com.InvalidPointer
		}
		return run(&Activation{u: instance.AddRef()})
	}))
})

// Close releases the instance.
func (a *Activation) Close() { a.u.Release() }

// Read reads the properties of the instance.
func (a *Activation) Read() (d Activated, err error) {
	id, err := get[com.GUID](Instance, a.u, "get_InstanceId")
	if err != nil {
		return d, err
	}
	d.Instance = id.Task()
	registration, err := get[*com.Unknown](Instance, a.u, "get_Task")
	if err != nil {
		return d, err
	}
	defer registration.Release()
	if d.TaskID, err = taskID(registration); err != nil {
		return d, err
	}
	if d.Name, err = Registration.text(registration, "get_Name"); err != nil {
		return d, err
	}
	if d.Details, err = a.details(); com.Lost(err) {
		return d, err
	}
	return d, nil // details from another program must not prevent the run
}

// details returns nil if the details are of an unknown kind.
func (a *Activation) details() (task.Details, error) {
	u, err := get[*com.Unknown](Instance, a.u, "get_TriggerDetails")
	if err != nil || u == nil {
		return nil, err
	}
	defer u.Release()
	if application, err := ApplicationTriggerDetails.of(u); err == nil {
		defer application.Release()
		return applicationDetails(application)
	}
	if raw, err := RawNotification.of(u); err == nil {
		defer raw.Release()
		content, err := RawNotification.text(raw, "get_Content")
		return task.PushNotificationTriggerDetails{Content: []byte(content)}, err
	}
	return nil, nil
}

func applicationDetails(u *com.Unknown) (task.Details, error) {
	set, err := get[*com.Unknown](ApplicationTriggerDetails, u, "get_Arguments")
	if err != nil {
		return nil, err
	}
	d := task.ApplicationTriggerDetails{}
	if set != nil {
		defer set.Release()
		d.Arguments, err = argumentsOf(set)
	}
	return d, err
}

// Progress reports the progress of the run.
func (a *Activation) Progress(value uint32) error {
	return Instance.call(a.u, "put_Progress", uintptr(value))
}

// Ask calls the instance to check whether it still responds.
func (a *Activation) Ask() error {
	_, err := get[uint32](Instance, a.u, "get_Progress")
	return err
}

// canceled is called with the reason of a cancellation.
type canceled func(reason task.CancellationReason)

var canceledTable = sync.OnceValue(func() unsafe.Pointer {
	return com.Table(com.Method2(func(f canceled, _ *com.Unknown, reason int32) error {
		f(task.CancellationReason(reason))
		return nil
	}))
})

// Canceled makes f be called on another thread when the run is canceled, until
// remove is called.
func (a *Activation) Canceled(f func(task.CancellationReason)) (remove func() error, err error) {
	handler := com.New(canceled(f), com.Object{}, com.Interface{IID: CanceledHandler.IID, Methods: canceledTable()})
	var token int64
	if err := Instance.call(a.u, "add_Canceled", uintptr(unsafe.Pointer(handler)), uintptr(unsafe.Pointer(&token))); err != nil {
		handler.Release()
		return nil, err
	}
	return func() error {
		defer handler.Release()
		err := Instance.call(a.u, "remove_Canceled", uintptr(token))
		if com.Lost(err) { // a process that died did not release its references
			_ = com.Disconnect(handler) // best effort
		}
		return err
	}, nil
}

// Defer takes a deferral: the run does not end before complete is called.
func (a *Activation) Defer() (complete func() error, err error) {
	deferral, err := get[*com.Unknown](Instance, a.u, "GetDeferral")
	if err != nil {
		return nil, err
	}
	return func() error {
		defer deferral.Release()
		return Deferral.call(deferral, "Complete")
	}, nil
}

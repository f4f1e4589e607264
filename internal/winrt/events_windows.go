package winrt

import (
	"errors"
	"sync"
	"unsafe"

	"github.com/bgtask/bgtask/internal/com"
	"github.com/bgtask/bgtask/task"
)

// Subscribe subscribes to the events of a registration until stop is called. It
// returns false if the registration does not exist.
func Subscribe(id task.GUID, e Events) (stop func(), found bool, err error) {
	found, err = find(id, func(r *com.Unknown) error {
		stop, err = subscribe(r, &e)
		return err
	})
	return stop, found, err
}

var progressTable = sync.OnceValue(func() unsafe.Pointer {
	return com.Table(com.Method2(func(e *Events, _ *com.Unknown, args *com.Unknown) error {
		if args == nil {
			return com.InvalidPointer
		}
		id, err := get[com.GUID](ProgressArgs, args, "get_InstanceId")
		if err != nil {
			return err
		}
		value, err := get[uint32](ProgressArgs, args, "get_Progress")
		if err == nil {
			e.Progress(id.Task(), value)
		}
		return err
	}))
})

var completedTable = sync.OnceValue(func() unsafe.Pointer {
	return com.Table(com.Method2(func(e *Events, _ *com.Unknown, args *com.Unknown) error {
		if args == nil {
			return com.InvalidPointer
		}
		id, err := get[com.GUID](CompletedArgs, args, "get_InstanceId")
		if err == nil {
			e.Completed(id.Task(), CompletedArgs.call(args, "CheckResult"))
		}
		return err
	}))
})

func subscribe(registration *com.Unknown, e *Events) (func(), error) {
	progress, err := add(registration, "add_Progress", e, com.Interface{IID: ProgressHandler.IID, Methods: progressTable()})
	if err != nil {
		return nil, err
	}
	completed, err := add(registration, "add_Completed", e, com.Interface{IID: CompletedHandler.IID, Methods: completedTable()})
	if err != nil {
		return nil, errors.Join(err, Registration.call(registration, "remove_Progress", uintptr(progress)))
	}
	registration.AddRef() // the subscriptions end with the registration object
	return func() {
		defer registration.Release()
		// Errors do not matter: the subscriptions end with the object.
		_ = Registration.call(registration, "remove_Progress", uintptr(progress))
		_ = Registration.call(registration, "remove_Completed", uintptr(completed))
	}, nil
}

func add(registration *com.Unknown, method string, e *Events, i com.Interface) (token int64, err error) {
	handler := com.New(e, com.Object{}, i)
	defer handler.Release()
	err = Registration.call(registration, method, uintptr(unsafe.Pointer(handler)), uintptr(unsafe.Pointer(&token)))
	return token, err
}

package winrt

import (
	"context"
	"errors"
	"fmt"
	"unsafe"

	"github.com/bgtask/bgtask/internal/com"
)

// requestOf sends the request to the registration's own trigger, since a new
// trigger would not belong to any task.
func requestOf(ctx context.Context, registration *com.Unknown, arguments []byte) (RequestAnswer, error) {
	var trigger *com.Unknown
	err := with(registration, Registration2, func(r *com.Unknown) (err error) {
		trigger, err = get[*com.Unknown](Registration2, r, "get_Trigger")
		return err
	})
	if err != nil {
		return UnknownError, err
	}
	if trigger == nil {
		return UnknownError, fmt.Errorf("the task's trigger does not support requests: %w", com.NotSupported)
	}
	defer trigger.Release()
	application, err := ApplicationTrigger.of(trigger)
	if err != nil {
		return UnknownError, err
	}
	defer application.Release()
	operation, err := requestAsync(application, arguments)
	if err != nil {
		return UnknownError, err
	}
	return await[RequestAnswer](ctx, RequestResult, operation)
}

func requestAsync(trigger *com.Unknown, arguments []byte) (operation *com.Unknown, err error) {
	if len(arguments) == 0 {
		return get[*com.Unknown](ApplicationTrigger, trigger, "RequestAsync")
	}
	set, err := valueSet(arguments)
	if err != nil {
		return nil, err
	}
	defer set.Release()
	err = ApplicationTrigger.call(trigger, "RequestAsync2", uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(&operation)))
	return operation, err
}

// valueSet returns a ValueSet that contains the bytes.
func valueSet(data []byte) (*com.Unknown, error) {
	value, err := create2(ClassPropertyValue, PropertyValueStatics, "CreateUInt8Array", uintptr(len(data)), uintptr(unsafe.Pointer(unsafe.SliceData(data))))
	if err != nil {
		return nil, err
	}
	defer value.Release()
	set, err := activate(ClassValueSet)
	if err != nil {
		return nil, err
	}
	if err := insert(set, keyArguments, value); err != nil {
		set.Release()
		return nil, err
	}
	return set, nil
}

func insert(set *com.Unknown, name string, value *com.Unknown) error {
	key, err := com.NewHString(name)
	if err != nil {
		return err
	}
	defer key.Delete()
	return with(set, ObjectMap, func(m *com.Unknown) error {
		var replaced bool
		return ObjectMap.call(m, "Insert", uintptr(key), uintptr(unsafe.Pointer(value)), uintptr(unsafe.Pointer(&replaced)))
	})
}

// argumentsOf returns the bytes in a set made by valueSet, or nil for the set of
// another program.
func argumentsOf(set *com.Unknown) (data []byte, err error) {
	err = with(set, ObjectMap, func(m *com.Unknown) error {
		key, err := com.NewHString(keyArguments)
		if err != nil {
			return err
		}
		defer key.Delete()
		var value *com.Unknown
		err = ObjectMap.call(m, "Lookup", uintptr(key), uintptr(unsafe.Pointer(&value)))
		if errors.Is(err, com.Bounds) || err == nil && value == nil {
			return nil
		}
		if err != nil {
			return err
		}
		defer value.Release()
		return with(value, PropertyValue, func(v *com.Unknown) (err error) {
			data, err = bytesOf(v)
			return err
		})
	})
	return data, err
}

func bytesOf(value *com.Unknown) ([]byte, error) {
	var n uint32
	var p *byte
	if err := PropertyValue.call(value, "GetUInt8Array", uintptr(unsafe.Pointer(&n)), uintptr(unsafe.Pointer(&p))); err != nil {
		return nil, err
	}
	return com.TakeBytes(p, n), nil
}

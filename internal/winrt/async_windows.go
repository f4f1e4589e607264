package winrt

import (
	"context"
	"sync"
	"unsafe"

	"github.com/bgtask/bgtask/internal/com"
)

// finished receives a value when an operation has ended.
type finished chan struct{}

var finishedTable = sync.OnceValue(func() unsafe.Pointer {
	return com.Table(com.Method2(func(f finished, _ *com.Unknown, _ int32) error {
		select {
		case f <- struct{}{}:
		default:
		}
		return nil
	}))
})

// await waits for an operation and returns its result. If ctx ends first, it
// cancels the operation.
func await[T any](ctx context.Context, o Operation, operation *com.Unknown) (result T, err error) {
	defer operation.Release()
	defer closeOperation(operation)
	done := make(finished, 1)
	handler := com.New(done, com.Object{}, com.Interface{IID: o.Handler.IID, Methods: finishedTable()})
	defer handler.Release()
	if err := o.Operation.call(operation, "put_Completed", uintptr(unsafe.Pointer(handler))); err != nil {
		return result, err
	}
	select {
	case <-done:
		return get[T](o.Operation, operation, "GetResults")
	case <-ctx.Done():
		// Best effort: the operation may have ended.
		_ = with(operation, AsyncInfo, func(info *com.Unknown) error { return AsyncInfo.call(info, "Cancel") })
		return result, context.Cause(ctx)
	}
}

// closeOperation frees the operation's resources. Windows may refuse that while
// the operation is in progress.
func closeOperation(operation *com.Unknown) {
	_ = with(operation, AsyncInfo, func(info *com.Unknown) error { return AsyncInfo.call(info, "Close") })
}

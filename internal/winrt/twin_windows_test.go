package winrt

import (
	"os"
	"sync"
	"testing"
	"unsafe"

	"github.com/bgtask/bgtask/internal/com"
)

func TestMain(m *testing.M) {
	if err := com.Start(); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// The twins are Go implementations of Windows' objects. They receive the calls that
// Windows' objects would receive. Calls across processes are tested with package
// fixture.

// twinInstance is an IBackgroundTaskInstance.
type twinInstance struct {
	id      com.GUID
	task    twinRegistration
	details func() *com.Unknown // nil if there are none

	mu        sync.Mutex
	progress  uint32
	handlers  map[int64]*com.Unknown
	last      int64
	deferrals int
	completed int
}

func (w *twinInstance) new() *com.Unknown {
	w.handlers = make(map[int64]*com.Unknown)
	return com.New(w, com.Object{Class: ClassInstance}, com.Interface{IID: Instance.IID, Methods: twinInstanceTable()})
}

var twinInstanceTable = sync.OnceValue(func() unsafe.Pointer {
	return com.InspectableTable(
		com.Method1(func(w *twinInstance, out *com.GUID) error { *out = w.id; return nil }),
		com.Method1(func(w *twinInstance, out **com.Unknown) error { *out = w.task.new(); return nil }),
		com.Method1(func(w *twinInstance, out *uint32) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			*out = w.progress
			return nil
		}),
		com.Method1(func(w *twinInstance, value uint32) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.progress = value
			return nil
		}),
		com.Method1(func(w *twinInstance, out **com.Unknown) error {
			if *out = nil; w.details != nil {
				*out = w.details()
			}
			return nil
		}),
		com.Method2(func(w *twinInstance, handler *com.Unknown, token *int64) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.last++
			w.handlers[w.last], *token = handler.AddRef(), w.last
			return nil
		}),
		com.Method1(func(w *twinInstance, token int64) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.handlers[token].Release()
			delete(w.handlers, token)
			return nil
		}),
		com.Method1(func(_ *twinInstance, out *uint32) error { *out = 0; return nil }),
		com.Method1(func(w *twinInstance, out **com.Unknown) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.deferrals++
			*out = com.New(w, com.Object{Class: ClassDeferral}, com.Interface{IID: Deferral.IID, Methods: twinDeferralTable()})
			return nil
		}),
	)
})

var twinDeferralTable = sync.OnceValue(func() unsafe.Pointer {
	return com.InspectableTable(com.Method0(func(w *twinInstance) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.completed++
		return nil
	}))
})

// cancel calls the handlers on another thread, like a call from another process.
func (w *twinInstance) cancel(reason int32) (err error) {
	w.mu.Lock()
	var handlers []*com.Unknown
	for _, h := range w.handlers {
		handlers = append(handlers, h.AddRef())
	}
	w.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, h := range handlers {
			err = CanceledHandler.call(h, "Invoke", 0, uintptr(reason))
			h.Release()
		}
	}()
	<-done
	return err
}

// twinRegistration is an IBackgroundTaskRegistration.
type twinRegistration struct {
	id     com.GUID
	name   string
	events *twinEvents
}

// twinEvents are the handlers of a registration, which outlive the object.
type twinEvents struct {
	mu        sync.Mutex
	progress  *com.Unknown
	completed *com.Unknown
	trigger   *twinTrigger
}

func (w twinRegistration) new() *com.Unknown {
	return com.New(&w, com.Object{Class: ClassRegistration},
		com.Interface{IID: Registration.IID, Methods: twinRegistrationTable()}, com.Interface{IID: Registration2.IID, Methods: twinRegistration2Table()})
}

var twinRegistrationTable = sync.OnceValue(func() unsafe.Pointer {
	set := func(at func(*twinEvents) **com.Unknown) (add, remove uintptr) {
		add = com.Method2(func(w *twinRegistration, handler *com.Unknown, token *int64) error {
			w.events.mu.Lock()
			defer w.events.mu.Unlock()
			*at(w.events), *token = handler.AddRef(), 1
			return nil
		})
		remove = com.Method1(func(w *twinRegistration, _ int64) error {
			w.events.mu.Lock()
			defer w.events.mu.Unlock()
			(*at(w.events)).Release()
			*at(w.events) = nil
			return nil
		})
		return add, remove
	}
	addProgress, removeProgress := set(func(e *twinEvents) **com.Unknown { return &e.progress })
	addCompleted, removeCompleted := set(func(e *twinEvents) **com.Unknown { return &e.completed })
	return com.InspectableTable(
		com.Method1(func(w *twinRegistration, out *com.GUID) error { *out = w.id; return nil }),
		com.Method1(func(w *twinRegistration, out *com.HString) (err error) {
			*out, err = com.GiveString(w.name)
			return err
		}),
		addProgress, removeProgress, addCompleted, removeCompleted,
		com.Method1(func(*twinRegistration, uint32) error { return nil }),
	)
})

var twinRegistration2Table = sync.OnceValue(func() unsafe.Pointer {
	return com.InspectableTable(com.Method1(func(w *twinRegistration, out **com.Unknown) error {
		if *out = nil; w.events.trigger != nil {
			*out = com.New(w.events.trigger, com.Object{Class: ClassApplicationTrigger},
				com.Interface{IID: Trigger.IID, Methods: markerTable()}, com.Interface{IID: ApplicationTrigger.IID, Methods: twinTriggerTable()})
		}
		return nil
	}))
})

var markerTable = sync.OnceValue(func() unsafe.Pointer { return com.InspectableTable() })

// twinTrigger is an IApplicationTrigger whose operations end when finish is
// closed.
type twinTrigger struct {
	answer   RequestAnswer
	finish   chan struct{}
	canceled chan struct{}
}

var twinTriggerTable = sync.OnceValue(func() unsafe.Pointer {
	return com.InspectableTable(
		com.Method1(func(w *twinTrigger, out **com.Unknown) error {
			*out = com.New(w, com.Object{Class: "Windows.Foundation.IAsyncOperation"},
				com.Interface{IID: RequestResult.Operation.IID, Methods: twinOperationTable()}, com.Interface{IID: AsyncInfo.IID, Methods: twinInfoTable()})
			return nil
		}),
		com.Method2(func(*twinTrigger, *com.Unknown, **com.Unknown) error { return com.NotImplemented }),
	)
})

var twinOperationTable = sync.OnceValue(func() unsafe.Pointer {
	return com.InspectableTable(
		com.Method1(func(w *twinTrigger, handler *com.Unknown) error {
			handler.AddRef()
			go func() {
				defer handler.Release()
				<-w.finish
				_ = RequestResult.Handler.call(handler, "Invoke", 0, 1) // the test notices if it does not arrive
			}()
			return nil
		}),
		com.Method1(func(*twinTrigger, **com.Unknown) error { return com.NotImplemented }),
		com.Method1(func(w *twinTrigger, out *RequestAnswer) error { *out = w.answer; return nil }),
	)
})

var twinInfoTable = sync.OnceValue(func() unsafe.Pointer {
	nothing := com.Method1(func(*twinTrigger, *uint32) error { return nil })
	return com.InspectableTable(nothing, nothing, nothing,
		com.Method0(func(w *twinTrigger) error { close(w.canceled); return nil }),
		com.Method0(func(*twinTrigger) error { return nil }),
	)
})

// twinArgs are the arguments of a progress or completion event.
type twinArgs struct {
	id       com.GUID
	progress uint32
	result   error
}

func (w *twinArgs) new(i *Interface, table unsafe.Pointer) *com.Unknown {
	return com.New(w, com.Object{Class: i.Name}, com.Interface{IID: i.IID, Methods: table})
}

var twinProgressTable = sync.OnceValue(func() unsafe.Pointer {
	return com.InspectableTable(
		com.Method1(func(w *twinArgs, out *com.GUID) error { *out = w.id; return nil }),
		com.Method1(func(w *twinArgs, out *uint32) error { *out = w.progress; return nil }),
	)
})

var twinCompletedTable = sync.OnceValue(func() unsafe.Pointer {
	return com.InspectableTable(
		com.Method1(func(w *twinArgs, out *com.GUID) error { *out = w.id; return nil }),
		com.Method0(func(w *twinArgs) error { return w.result }),
	)
})

// twinMap is an IMapView of registrations with its iterators.
type twinMap []twinRegistration

type twinIterator struct {
	all twinMap
	at  int
}

func (w twinMap) new() *com.Unknown {
	return com.New(w, com.Object{Class: TaskMap.Map.Name}, com.Interface{IID: TaskMap.Map.IID, Methods: markerTable()},
		com.Interface{IID: TaskMap.Iterable.IID, Methods: twinIterableTable()})
}

var twinIterableTable = sync.OnceValue(func() unsafe.Pointer {
	return com.InspectableTable(com.Method1(func(w twinMap, out **com.Unknown) error {
		*out = com.New(&twinIterator{all: w}, com.Object{Class: TaskMap.Iterator.Name}, com.Interface{IID: TaskMap.Iterator.IID, Methods: twinIteratorTable()})
		return nil
	}))
})

var twinIteratorTable = sync.OnceValue(func() unsafe.Pointer {
	return com.InspectableTable(
		com.Method1(func(w *twinIterator, out **com.Unknown) error {
			if w.at >= len(w.all) {
				return com.Bounds
			}
			*out = com.New(w.all[w.at], com.Object{Class: TaskMap.Pair.Name}, com.Interface{IID: TaskMap.Pair.IID, Methods: twinPairTable()})
			return nil
		}),
		com.Method1(func(w *twinIterator, out *bool) error { *out = w.at < len(w.all); return nil }),
		com.Method1(func(w *twinIterator, out *bool) error { w.at++; *out = w.at < len(w.all); return nil }),
	)
})

var twinPairTable = sync.OnceValue(func() unsafe.Pointer {
	return com.InspectableTable(
		com.Method1(func(w twinRegistration, out *com.GUID) error { *out = w.id; return nil }),
		com.Method1(func(w twinRegistration, out **com.Unknown) error { *out = w.new(); return nil }),
	)
})

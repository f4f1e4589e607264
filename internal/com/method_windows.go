package com

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// callbacks counts the methods created; a process can have about 2,000.
var callbacks atomic.Int64

// Method0 creates a method for a table. The method calls f with the value behind
// the object. It uses one callback of the process permanently, so create it only
// once, in a function of sync.OnceValue. An error of f is returned as its
// HRESULT, or as Fail; a panic in f is logged and returned as Fail. f must not
// call runtime.Goexit. Arguments have at most one word; for a boolean only the
// lowest byte is significant.
func Method0[T any](f func(impl T) error) uintptr {
	return method(func(o *This) uintptr {
		return invoke(o, func(impl T) error { return f(impl) })
	})
}

// Method1 is Method0 for a method with one argument.
func Method1[T any, A any](f func(impl T, a A) error) uintptr {
	return method(func(o *This, a A) uintptr {
		return invoke(o, func(impl T) error { return f(impl, a) })
	})
}

// Method2 is Method0 for a method with two arguments.
func Method2[T any, A, B any](f func(impl T, a A, b B) error) uintptr {
	return method(func(o *This, a A, b B) uintptr {
		return invoke(o, func(impl T) error { return f(impl, a, b) })
	})
}

// Method3 is Method0 for a method with three arguments.
func Method3[T any, A, B, C any](f func(impl T, a A, b B, c C) error) uintptr {
	return method(func(o *This, a A, b B, c C) uintptr {
		return invoke(o, func(impl T) error { return f(impl, a, b, c) })
	})
}

func method(f any) uintptr {
	callbacks.Add(1)
	return syscall.NewCallback(f)
}

// Table creates the method table of a COM interface in native memory, which is
// never freed: the methods of IUnknown, followed by those given.
func Table(methods ...uintptr) unsafe.Pointer {
	base := unknownMethods()
	return newTable(append(base[:], methods...))
}

// InspectableTable is Table for a Windows Runtime interface.
func InspectableTable(methods ...uintptr) unsafe.Pointer {
	base, more := unknownMethods(), inspectableMethods()
	return newTable(append(append(base[:], more[:]...), methods...))
}

func newTable(methods []uintptr) unsafe.Pointer {
	p := allocate(uintptr(len(methods)) * unsafe.Sizeof(uintptr(0)))
	copy(unsafe.Slice((*uintptr)(p), len(methods)), methods)
	return p
}

// invoke handles a call from COM. No panic returns to COM.
func invoke[T any](o *This, f func(impl T) error) (code uintptr) {
	defer recovered(&code)
	object := objectOf(o)
	if object == nil {
		return uintptr(Disconnected)
	}
	return uintptr(Code(f(object.impl.(T))))
}

func recovered(code *uintptr) {
	if v := recover(); v != nil {
		slog.Error("bgtask: a panic in a call from COM", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		*code = uintptr(Fail)
	}
}

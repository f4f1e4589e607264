package com

import (
	"sync"
	"unsafe"
)

// Contexts in which a class is asked for.
const (
	InProcess   = 1
	LocalServer = 4
)

// Use says how a class object is registered: REGCLS.
type Use uint32

// The ways. Suspended and Agile are added to one of the others.
const (
	SingleUse   Use = 0    // it serves one activation, then it is gone
	MultipleUse Use = 1    // it serves any number
	Suspended   Use = 4    // nobody sees it before Resume
	Agile       Use = 0x10 // any apartment may ask it
)

// Cookie names a class object that is registered.
type Cookie uint32

// Register registers a class object, which keeps its own reference to factory.
func Register(class GUID, factory *Unknown, use Use) (Cookie, error) {
	var cookie Cookie
	err := call(coRegisterClassObject, uintptr(unsafe.Pointer(&class)), uintptr(unsafe.Pointer(factory)), LocalServer, uintptr(use), uintptr(unsafe.Pointer(&cookie)))
	return cookie, err
}

// Revoke takes a class object out. A process must not end before.
func (c Cookie) Revoke() error { return call(coRevokeClassObject, uintptr(c)) }

// Resume makes all suspended class objects of the process visible, in one step.
func Resume() error { return call(coResumeClassObjects) }

// Suspend hides all class objects of the process.
func Suspend() error { return call(coSuspendClassObjects) }

// AddProcess counts one more thing that needs the process.
func AddProcess() uint32 {
	n, _, _ := coAddRefServerProcess.Call()
	return uint32(n)
}

// ReleaseProcess counts one less. At 0 COM has suspended all class objects in the
// same step: no activation comes any more, and the process may end.
func ReleaseProcess() uint32 {
	n, _, _ := coReleaseServerProcess.Call()
	return uint32(n)
}

// Disconnect takes the references of other processes to an object of ours back:
// those of a process that died stay for minutes otherwise.
func Disconnect(u *Unknown) error {
	return call(coDisconnectObject, uintptr(unsafe.Pointer(u)), 0)
}

// Create makes an object of a class, in a server that is started if need be.
func Create(class GUID, context uint32, iid GUID) (*Unknown, error) {
	var made *Unknown
	err := call(coCreateInstance, uintptr(unsafe.Pointer(&class)), 0, uintptr(context), uintptr(unsafe.Pointer(&iid)), uintptr(unsafe.Pointer(&made)))
	return made, err
}

// ClassObject gives the class object, as Create does an object of it.
func ClassObject(class GUID, context uint32) (*Unknown, error) {
	var factory *Unknown
	err := call(coGetClassObject, uintptr(unsafe.Pointer(&class)), uintptr(context), 0, uintptr(unsafe.Pointer(&IIDClassFactory)), uintptr(unsafe.Pointer(&factory)))
	return factory, err
}

// Activate makes an object of a class of the Windows Runtime by its default
// constructor.
func Activate(class string) (*Unknown, error) {
	name, err := NewHString(class)
	if err != nil {
		return nil, err
	}
	defer name.Delete()
	var made *Unknown
	err = call(roActivateInstance, uintptr(name), uintptr(unsafe.Pointer(&made)))
	return made, err
}

// Factory gives an interface of the factory of a class of the Windows Runtime: its
// constructors with arguments, or its static members.
func Factory(class string, iid GUID) (*Unknown, error) {
	name, err := NewHString(class)
	if err != nil {
		return nil, err
	}
	defer name.Delete()
	var factory *Unknown
	err = call(roGetActivationFactory, uintptr(name), uintptr(unsafe.Pointer(&iid)), uintptr(unsafe.Pointer(&factory)))
	return factory, err
}

// ClassFactory is what a class object does. Both functions are called on any
// goroutine. Make gives an object with one reference.
type ClassFactory struct {
	Make func() (*Unknown, error)
	Lock func(lock bool) // nil: nothing
}

var classFactoryTable = sync.OnceValue(func() unsafe.Pointer {
	return Table(
		Method3(func(f *ClassFactory, outer *Unknown, iid *GUID, out **Unknown) error {
			return f.create(outer, iid, out)
		}),
		Method1(func(f *ClassFactory, lock uint32) error {
			if f.Lock != nil {
				f.Lock(lock != 0)
			}
			return nil
		}),
	)
})

// NewFactory makes a class object.
func NewFactory(f ClassFactory) *Unknown {
	return New(&f, Object{}, Interface{IID: IIDClassFactory, Methods: classFactoryTable()})
}

func (f *ClassFactory) create(outer *Unknown, iid *GUID, out **Unknown) error {
	if out == nil || iid == nil {
		return InvalidPointer
	}
	*out = nil
	if outer != nil {
		return NoAggregation
	}
	made, err := f.Make()
	if err != nil {
		return err
	}
	defer made.Release()
	*out, err = made.Query(*iid)
	return err
}

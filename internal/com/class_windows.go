package com

import (
	"sync"
	"unsafe"
)

// Contexts in which to create an object: CLSCTX.
const (
	InProcess   = 1
	LocalServer = 4
)

// Use specifies how a class object is registered: REGCLS.
type Use uint32

// The values of Use. Suspended and Agile are combined with one of the others.
const (
	SingleUse   Use = 0    // serves one activation and is then unregistered
	MultipleUse Use = 1    // serves any number of activations
	Suspended   Use = 4    // invisible until Resume
	Agile       Use = 0x10 // callable from any apartment
)

// Cookie identifies a registered class object.
type Cookie uint32

// Register registers a class object. The registration holds its own reference to
// factory.
func Register(class GUID, factory *Unknown, use Use) (Cookie, error) {
	var cookie Cookie
	err := call(coRegisterClassObject, uintptr(unsafe.Pointer(&class)), uintptr(unsafe.Pointer(factory)), LocalServer, uintptr(use), uintptr(unsafe.Pointer(&cookie)))
	return cookie, err
}

// Revoke unregisters a class object. This must happen before the process exits.
func (c Cookie) Revoke() error { return call(coRevokeClassObject, uintptr(c)) }

// Resume makes all suspended class objects of the process visible in one step.
func Resume() error { return call(coResumeClassObjects) }

// Suspend hides all class objects of the process.
func Suspend() error { return call(coSuspendClassObjects) }

// AddProcess increments the count of users that keep the process alive, and
// returns it.
func AddProcess() uint32 {
	n, _, _ := coAddRefServerProcess.Call()
	return uint32(n)
}

// ReleaseProcess decrements the count of users and returns it. When the count
// reaches 0, COM suspends all class objects in the same step: no further
// activation arrives, and the process may exit.
func ReleaseProcess() uint32 {
	n, _, _ := coReleaseServerProcess.Call()
	return uint32(n)
}

// Disconnect drops the references that other processes hold to an object of this
// process. Without it, the references of a process that died remain for minutes.
func Disconnect(u *Unknown) error {
	return call(coDisconnectObject, uintptr(unsafe.Pointer(u)), 0)
}

// Create creates an object of a class, and starts the class server if necessary.
func Create(class GUID, context uint32, iid GUID) (*Unknown, error) {
	var made *Unknown
	err := call(coCreateInstance, uintptr(unsafe.Pointer(&class)), 0, uintptr(context), uintptr(unsafe.Pointer(&iid)), uintptr(unsafe.Pointer(&made)))
	return made, err
}

// ClassObject returns the class object from the server that Create would use.
func ClassObject(class GUID, context uint32) (*Unknown, error) {
	var factory *Unknown
	err := call(coGetClassObject, uintptr(unsafe.Pointer(&class)), uintptr(context), 0, uintptr(unsafe.Pointer(&IIDClassFactory)), uintptr(unsafe.Pointer(&factory)))
	return factory, err
}

// Activate creates an object of a Windows Runtime class with its default
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

// Factory returns an interface of a Windows Runtime class's factory, which has
// the constructors with arguments or the static members.
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

// ClassFactory implements a class object. Both functions may be called on any
// goroutine. Make returns an object with one reference.
type ClassFactory struct {
	Make func() (*Unknown, error)
	Lock func(lock bool) // may be nil
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

// NewFactory returns a class object.
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

package com

import (
	"crypto/rand"
	"sync"
	"sync/atomic"
	"unsafe"
)

// This is what a method is called on: an interface header in native memory, which
// refers to its object by a number.
type This struct {
	methods unsafe.Pointer
	handle  uintptr
	index   uintptr
}

// Interface is an interface that an object offers.
type Interface struct {
	IID     GUID
	Methods unsafe.Pointer // from Table or InspectableTable
}

// Object describes an object implemented here. Class is its Windows Runtime class
// name, or "" for a pure COM object, which is not inspectable. Gone, if not nil,
// is called when the last reference is released.
type Object struct {
	Class string
	Gone  func()
}

// object is an object with references.
type object struct {
	Object
	impl       any
	interfaces []Interface
	headers    unsafe.Pointer // one This for each interface, in order
	references atomic.Int32
}

var objects = struct {
	sync.RWMutex
	last uintptr
	live map[uintptr]*object
}{live: make(map[uintptr]*object)}

// Live returns the number of objects implemented here that have references.
func Live() int {
	objects.RLock()
	defer objects.RUnlock()
	return len(objects.live)
}

// New creates an object with one reference, to its first interface, which belongs
// to the caller. The object is agile: any thread may use it. The first interface
// of an inspectable object must be a Windows Runtime interface.
func New(impl any, o Object, interfaces ...Interface) *Unknown {
	made := &object{Object: o, impl: impl, interfaces: interfaces}
	made.references.Store(1)
	made.headers = allocate(uintptr(len(interfaces)) * unsafe.Sizeof(This{}))
	objects.Lock()
	objects.last++
	handle := objects.last
	objects.live[handle] = made
	objects.Unlock()
	headers := unsafe.Slice((*This)(made.headers), len(interfaces))
	for i, in := range interfaces {
		headers[i] = This{methods: in.Methods, handle: handle, index: uintptr(i)}
	}
	return made.pointer(0)
}

func (o *object) pointer(i int) *Unknown {
	return (*Unknown)(unsafe.Add(o.headers, uintptr(i)*unsafe.Sizeof(This{})))
}

// iidSelf is known only to objects of this program, and not to those of another
// Go program in the same process.
var iidSelf = sync.OnceValue(func() (id GUID) {
	_, _ = rand.Read(unsafe.Slice((*byte)(unsafe.Pointer(&id)), unsafe.Sizeof(id))) // never fails
	return id
})

// Impl returns the Go value behind u. It returns false if u is not an object of
// this program, or has a value of another type.
func Impl[T any](u *Unknown) (T, bool) {
	var none T
	if u == nil {
		return none, false
	}
	own, err := u.Query(iidSelf())
	if err != nil {
		return none, false
	}
	defer own.Release()
	impl, ok := objectOf((*This)(unsafe.Pointer(own))).impl.(T)
	return impl, ok
}

func objectOf(t *This) *object {
	objects.RLock()
	defer objects.RUnlock()
	return objects.live[t.handle]
}

// find returns the index of an interface. For IUnknown it is always the same,
// because that pointer is the object's identity.
func (o *object) find(iid GUID) (int, bool) {
	switch iid {
	case IIDUnknown, IIDAgileObject, iidSelf():
		return 0, true
	case IIDInspectable:
		return 0, o.Class != ""
	}
	for i, in := range o.interfaces {
		if in.IID == iid {
			return i, true
		}
	}
	return 0, false
}

// unknownMethods are QueryInterface, AddRef and Release.
var unknownMethods = sync.OnceValue(func() [3]uintptr {
	return [3]uintptr{method(queryInterface), method(addRef), method(release)}
})

// inspectableMethods are GetIids, GetRuntimeClassName and GetTrustLevel.
var inspectableMethods = sync.OnceValue(func() [3]uintptr {
	return [3]uintptr{method(getIids), method(getRuntimeClassName), method(getTrustLevel)}
})

func queryInterface(t *This, iid *GUID, out **Unknown) (code uintptr) {
	defer recovered(&code)
	if out == nil || iid == nil {
		return uintptr(InvalidPointer)
	}
	*out = nil
	o := objectOf(t)
	if o == nil {
		return uintptr(Disconnected)
	}
	i, ok := o.find(*iid)
	if !ok {
		return uintptr(NoInterface)
	}
	o.references.Add(1)
	*out = o.pointer(i)
	return uintptr(OK)
}

func addRef(t *This) (count uintptr) {
	o := objectOf(t)
	if o == nil {
		return 0
	}
	return uintptr(o.references.Add(1))
}

func release(t *This) (count uintptr) {
	defer recovered(&count)
	handle := t.handle
	o := objectOf(t)
	if o == nil {
		return 0
	}
	n := o.references.Add(-1)
	if n == 0 {
		objects.Lock()
		delete(objects.live, handle)
		objects.Unlock()
		free(o.headers)
		if o.Gone != nil {
			o.Gone()
		}
	}
	return uintptr(n)
}

func getIids(t *This, count *uint32, out *unsafe.Pointer) (code uintptr) {
	defer recovered(&code)
	if count == nil || out == nil {
		return uintptr(InvalidPointer)
	}
	*count, *out = 0, nil
	o := objectOf(t)
	if o == nil {
		return uintptr(Disconnected)
	}
	p, _, _ := coTaskMemAlloc.Call(uintptr(len(o.interfaces)) * unsafe.Sizeof(GUID{}))
	if p == 0 {
		return uintptr(OutOfMemory)
	}
	iids := unsafe.Slice((*GUID)(pointer(p)), len(o.interfaces))
	for i, in := range o.interfaces {
		iids[i] = in.IID
	}
	*count, *out = uint32(len(iids)), pointer(p)
	return uintptr(OK)
}

func getRuntimeClassName(t *This, out *HString) (code uintptr) {
	defer recovered(&code)
	if out == nil {
		return uintptr(InvalidPointer)
	}
	*out = 0
	o := objectOf(t)
	if o == nil {
		return uintptr(Disconnected)
	}
	name, err := GiveString(o.Class)
	*out = name
	return uintptr(Code(err))
}

// getTrustLevel answers BaseTrust.
func getTrustLevel(_ *This, out *uint32) (code uintptr) {
	if out == nil {
		return uintptr(InvalidPointer)
	}
	*out = 0
	return uintptr(OK)
}

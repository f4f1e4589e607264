package com

import (
	"syscall"
	"unsafe"
)

// table is a method table. Its real length is that of the interface: only slots
// of the interface may be read.
type table [256]uintptr

// Unknown is what an interface pointer points to, in native memory, implemented
// here or elsewhere. Unless stated otherwise, the holder of a *Unknown owns one
// reference and must release it with Release.
type Unknown struct{ methods *table }

// most is the maximum number of words of a call: the object and the arguments.
const most = 8

// Call calls the method in the slot. If the address of a variable is among the
// arguments, it must be converted to uintptr in the call expression itself. Then the
// variable does not move, even if a call back into Go moves this goroutine's stack.
//
//go:uintptrescapes
func (u *Unknown) Call(slot int, args ...uintptr) error {
	return result(u.raw(slot, args))
}

func (u *Unknown) raw(slot int, args []uintptr) HRESULT {
	var all [most]uintptr
	all[0] = uintptr(unsafe.Pointer(u))
	n := 1 + copy(all[1:], args)
	if n != 1+len(args) {
		panic("com: too many arguments")
	}
	r, _, _ := syscall.SyscallN(u.methods[slot], all[:n]...)
	return HRESULT(r)
}

// Get calls a getter.
func Get[T any](u *Unknown, slot int) (T, error) {
	var value T
	err := u.Call(slot, uintptr(unsafe.Pointer(&value)))
	return value, err
}

// Text calls a getter for a string.
func (u *Unknown) Text(slot int) (string, error) {
	h, err := Get[HString](u, slot)
	if err != nil {
		return "", err
	}
	return h.take(), nil
}

// SetText calls a setter for a string.
func (u *Unknown) SetText(slot int, s string) error {
	h, err := NewHString(s)
	if err != nil {
		return err
	}
	defer h.Delete()
	return u.Call(slot, uintptr(h))
}

// Bool converts a boolean to an argument.
func Bool(b bool) uintptr {
	if b {
		return 1
	}
	return 0
}

// Query returns another interface of the object, with its own reference.
func (u *Unknown) Query(iid GUID) (*Unknown, error) {
	var other *Unknown
	err := u.Call(SlotQueryInterface, uintptr(unsafe.Pointer(&iid)), uintptr(unsafe.Pointer(&other)))
	if err != nil {
		return nil, err
	}
	return other, nil
}

// AddRef adds a reference and returns u.
func (u *Unknown) AddRef() *Unknown {
	_ = u.raw(SlotAddRef, nil) // a count
	return u
}

// Release releases the reference. It does nothing if u is nil.
func (u *Unknown) Release() {
	if u != nil {
		_ = u.raw(SlotRelease, nil) // a count
	}
}

// slotRuntimeClassName is the slot of GetRuntimeClassName in IInspectable.
const slotRuntimeClassName = 4

// RuntimeClass returns the class name of a Windows Runtime object.
func (u *Unknown) RuntimeClass() (string, error) { return u.Text(slotRuntimeClassName) }

// result converts the result of a method to an error.
func result(h HRESULT) error {
	if h.Failed() {
		return h
	}
	return nil
}

package com

import (
	"syscall"
	"unsafe"
)

// table is a method table. Its length is that of the interface: only slots that
// the interface has may be read.
type table [256]uintptr

// Unknown is what an interface pointer points at, in native memory: ours or
// another's. The holder of a *Unknown owns one reference, and gives it back with
// Release, unless a function says otherwise.
type Unknown struct{ methods *table }

// most is the highest number of arguments of a method here, and the object.
const most = 8

// Call calls the method in the slot. An address of a variable that is among the
// arguments must be converted to uintptr in the call itself: then the variable
// stays where it is, although a call back into Go may move this goroutine's
// stack.
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

// Text calls a getter of a string.
func (u *Unknown) Text(slot int) (string, error) {
	h, err := Get[HString](u, slot)
	if err != nil {
		return "", err
	}
	return h.take(), nil
}

// SetText calls a setter of a string.
func (u *Unknown) SetText(slot int, s string) error {
	h, err := NewHString(s)
	if err != nil {
		return err
	}
	defer h.Delete()
	return u.Call(slot, uintptr(h))
}

// Bool is how a boolean is passed.
func Bool(b bool) uintptr {
	if b {
		return 1
	}
	return 0
}

// Query asks the object for another of its interfaces: a reference of its own.
func (u *Unknown) Query(iid GUID) (*Unknown, error) {
	var other *Unknown
	err := u.Call(SlotQueryInterface, uintptr(unsafe.Pointer(&iid)), uintptr(unsafe.Pointer(&other)))
	if err != nil {
		return nil, err
	}
	return other, nil
}

// AddRef takes another reference, and gives u.
func (u *Unknown) AddRef() *Unknown {
	u.raw(SlotAddRef, nil)
	return u
}

// Release gives the reference back. A nil one is none.
func (u *Unknown) Release() {
	if u != nil {
		u.raw(SlotRelease, nil)
	}
}

// RuntimeClass is the name that an object of the Windows Runtime says of itself.
func (u *Unknown) RuntimeClass() (string, error) { return u.Text(slotRuntimeClassName) }

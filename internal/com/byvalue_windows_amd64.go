package com

import "unsafe"

// CallGUID calls a method whose only argument is a GUID by value. On this
// architecture the caller passes the address of a copy.
func (u *Unknown) CallGUID(slot int, g GUID) error {
	return u.Call(slot, uintptr(unsafe.Pointer(&g)))
}

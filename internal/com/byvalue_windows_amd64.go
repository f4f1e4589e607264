package com

import "unsafe"

// CallGUID calls a method whose one argument is a GUID by value: on this
// architecture the caller passes the address of a copy.
func (u *Unknown) CallGUID(slot int, g GUID) error {
	return u.Call(slot, uintptr(unsafe.Pointer(&g)))
}

package com

import "unsafe"

// CallGUID calls a method whose one argument is a GUID by value: on this
// architecture its 16 bytes go in two registers.
func (u *Unknown) CallGUID(slot int, g GUID) error {
	words := *(*[2]uintptr)(unsafe.Pointer(&g))
	return u.Call(slot, words[0], words[1])
}

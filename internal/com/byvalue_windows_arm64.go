package com

import "unsafe"

// CallGUID calls a method whose only argument is a GUID by value. On this
// architecture its 16 bytes are passed in two registers.
func (u *Unknown) CallGUID(slot int, g GUID) error {
	words := *(*[2]uintptr)(unsafe.Pointer(&g))
	return u.Call(slot, words[0], words[1])
}

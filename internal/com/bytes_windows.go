package com

import (
	"slices"
	"unsafe"
)

// TakeBytes reads an array that a call answered, and gives it back.
func TakeBytes(p *byte, n uint32) []byte {
	if p == nil {
		return nil
	}
	defer coTaskMemFree.Call(uintptr(unsafe.Pointer(p)))
	return slices.Clone(unsafe.Slice(p, n))
}

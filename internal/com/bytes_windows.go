package com

import (
	"slices"
	"unsafe"
)

// TakeBytes copies an array returned by a call, and frees it.
func TakeBytes(p *byte, n uint32) []byte {
	if p == nil {
		return nil
	}
	defer freeTaskMemory(unsafe.Pointer(p))
	return slices.Clone(unsafe.Slice(p, n))
}

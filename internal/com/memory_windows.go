package com

import "unsafe"

const zeroed = 8 // HEAP_ZERO_MEMORY

// allocate returns zeroed native memory. Like Go's allocator, it panics if there
// is none left.
func allocate(size uintptr) unsafe.Pointer {
	heap, _, _ := getProcessHeap.Call()
	p, _, _ := heapAlloc.Call(heap, zeroed, size)
	if p == 0 {
		panic("com: out of native memory")
	}
	return pointer(p)
}

func free(p unsafe.Pointer) {
	heap, _, _ := getProcessHeap.Call()
	_, _, _ = heapFree.Call(heap, 0, uintptr(p)) // fails only for a corrupt heap
}

// pointer converts an address in native memory that a function returned.
func pointer(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }

// freeTaskMemory frees memory that a call returned and that belongs to the caller.
func freeTaskMemory(p unsafe.Pointer) { _, _, _ = coTaskMemFree.Call(uintptr(p)) } // returns nothing

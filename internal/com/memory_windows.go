package com

import "unsafe"

const zeroed = 8 // HEAP_ZERO_MEMORY

// allocate gives zeroed native memory. Like Go's, a heap that is full ends the
// process.
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
	heapFree.Call(heap, 0, uintptr(p))
}

// pointer is p, an address in native memory that a function returned.
func pointer(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }

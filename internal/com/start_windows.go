package com

import (
	"fmt"
	"sync"
	"unsafe"
)

// Start takes the process into the multithreaded apartment, for good. It is to be
// called before anything else of this package, and may be called again: a thread
// that never asked for an apartment is in this one.
func Start() error { return started() }

var started = sync.OnceValue(func() error {
	for _, p := range needed {
		if err := p.Find(); err != nil {
			return fmt.Errorf("this version of Windows is too old: %w", err)
		}
	}
	var cookie uintptr
	return call(coIncrementMTAUsage, uintptr(unsafe.Pointer(&cookie)))
})

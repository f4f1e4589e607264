package com

import (
	"fmt"
	"math"
	"sync"
	"time"
	"unsafe"
)

// Start takes the process into the multithreaded apartment, for good. It is to be
// called before anything else of this package, and may be called again: a thread
// that never asked for an apartment is in this one.
//
// Threads of COM are none of Go's, which takes a program that waits for their calls
// only for one that is stuck for ever, and ends it. The timer that never fires
// tells otherwise.
func Start() error { return started() }

var started = sync.OnceValue(func() error {
	for _, p := range needed {
		if err := p.Find(); err != nil {
			return fmt.Errorf("this version of Windows is too old: %w", err)
		}
	}
	time.AfterFunc(math.MaxInt64, func() {})
	var cookie uintptr
	return call(coIncrementMTAUsage, uintptr(unsafe.Pointer(&cookie)))
})

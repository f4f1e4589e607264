package com

import (
	"fmt"
	"math"
	"sync"
	"time"
	"unsafe"
)

// Start puts the process into the multithreaded apartment permanently. It must be
// called before anything else in this package, and may be called again. A thread
// that never entered an apartment belongs to this one.
//
// COM's threads are not known to the Go runtime. A program that only waits for
// their calls looks like a deadlock to the runtime, which would stop it. A timer
// that never fires prevents that.
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

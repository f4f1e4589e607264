package com

import (
	"runtime"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
)

func handles(t *testing.T) (n uint32) {
	t.Helper()
	count := kernel32.NewProc("GetProcessHandleCount")
	if r, _, err := count.Call(uintptr(windows.CurrentProcess()), uintptr(unsafe.Pointer(&n))); r == 0 {
		t.Fatal(err)
	}
	return n
}

// Eight goroutines create, call and release thousands of objects and strings.
func TestNothingLeaks(t *testing.T) {
	const workers, rounds = 8, 2000
	work := func(rounds int) {
		var group sync.WaitGroup
		for w := range workers {
			group.Go(func() {
				for i := range rounds {
					if !churn(t, uint32(w*rounds+i)) {
						return
					}
				}
			})
		}
		group.Wait()
	}
	work(10) // creates the tables and the threads
	runtime.GC()
	before, open, goroutines := Count(), handles(t), runtime.NumGoroutine()
	work(rounds)
	runtime.GC()
	if after := Count(); after != before {
		t.Errorf("something leaked: %+v, before %+v", after, before)
	}
	if n := runtime.NumGoroutine(); n > goroutines {
		t.Errorf("%d goroutines, %d before", n, goroutines)
	}
	const threads = 64 // of the Go runtime, which have a few handles each
	if n := handles(t); n > open+threads {
		t.Errorf("%d handles, %d before", n, open)
	}
}

func churn(t *testing.T, n uint32) bool {
	gone := make(chan struct{}, 1)
	f := NewFactory(ClassFactory{Make: func() (*Unknown, error) {
		deep(64)
		return newCounter(n, func() { gone <- struct{}{} }), nil
	}})
	defer f.Release()
	var made *Unknown
	if err := f.Call(FirstUnknown, 0, uintptr(unsafe.Pointer(&iidSecond)), uintptr(unsafe.Pointer(&made))); err != nil {
		t.Error(err)
		return false
	}
	got, err := Get[uint32](made, slotNumber)
	if got != n || err != nil {
		t.Errorf("%d, want %d: %v", got, n, err)
		return false
	}
	if name, err := made.RuntimeClass(); name != className || err != nil {
		t.Errorf("%q, %v", name, err)
		return false
	}
	made.Release()
	select {
	case <-gone:
		return true
	default:
		t.Error("an object was not freed")
		return false
	}
}

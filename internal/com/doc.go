// Package com calls and implements COM and Windows Runtime objects without cgo.
//
// An interface pointer is an *Unknown. For objects implemented here, the
// interface headers and method tables that COM sees are in native memory and
// refer to the Go value by a number. So the garbage collector and COM do not
// share any memory. Method tables are created once per process, since the number
// of callbacks is limited and they are never freed.
//
// Start puts the process into the multithreaded apartment: any goroutine may make
// calls on any thread, and calls arrive on any thread.
//
// GUIDs, HRESULTs and the identifiers of parameterized interfaces are plain
// values and are available on every system.
package com

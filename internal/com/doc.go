// Package com calls and implements COM and Windows Runtime objects without cgo.
//
// An interface pointer is an *Unknown. What COM can see of an object of ours, its
// interface headers and method tables, lies in native memory and names the Go
// value by a number, so the garbage collector and COM have nothing in common. A
// table is made once per process, since callbacks are few and never freed.
//
// The process is in the multithreaded apartment (Start): any goroutine may call
// on any thread, and calls come in on any thread.
//
// GUIDs, HRESULTs and the identifiers of parameterized interfaces are plain
// values, and are here on every system.
package com

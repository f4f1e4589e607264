package com

import (
	"encoding/binary"

	"github.com/bgtask/bgtask/task"
)

// GUID is a 128-bit identifier in Windows' memory layout. A task.GUID has its
// bytes in the order in which they are printed.
type GUID struct {
	Data1 uint32
	Data2 uint16
	Data3 uint16
	Data4 [8]byte
}

// FromTask converts a task.GUID.
func FromTask(g task.GUID) GUID {
	return GUID{
		Data1: binary.BigEndian.Uint32(g[0:4]), Data2: binary.BigEndian.Uint16(g[4:6]), Data3: binary.BigEndian.Uint16(g[6:8]),
		Data4: [8]byte(g[8:16]),
	}
}

// Task is the inverse of FromTask.
func (g GUID) Task() (t task.GUID) {
	binary.BigEndian.PutUint32(t[0:4], g.Data1)
	binary.BigEndian.PutUint16(t[4:6], g.Data2)
	binary.BigEndian.PutUint16(t[6:8], g.Data3)
	copy(t[8:16], g.Data4[:])
	return t
}

// MustGUID parses a constant such as "14c5882b-35d3-41be-86b2-5106269b97e6", with
// or without braces. It panics if the text is invalid.
func MustGUID(s string) GUID { return FromTask(task.MustGUID(s)) }

// String returns the GUID in lower case without braces.
func (g GUID) String() string { return g.Task().String() }

// Fundamental interfaces.
var (
	IIDUnknown           = MustGUID("00000000-0000-0000-c000-000000000046")
	IIDClassFactory      = MustGUID("00000001-0000-0000-c000-000000000046")
	IIDActivationFactory = MustGUID("00000035-0000-0000-c000-000000000046")
	IIDInspectable       = MustGUID("af86e2e0-b12d-4c6a-9c5a-d7aa65101e90")
	IIDAgileObject       = MustGUID("94ea2b94-e9cc-49e0-c0ff-ee64ca8f5b90")
)

// Slots of a method table.
const (
	SlotQueryInterface = 0
	SlotAddRef         = 1
	SlotRelease        = 2

	// FirstUnknown is the first slot after the methods of IUnknown,
	// FirstInspectable the first one after those of IInspectable.
	FirstUnknown     = 3
	FirstInspectable = 6
)

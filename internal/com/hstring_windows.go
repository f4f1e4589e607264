package com

import (
	"sync/atomic"
	"unicode/utf16"
	"unsafe"
)

// HString is a string of the Windows Runtime. Zero is the empty one.
type HString uintptr

// liveStrings counts those that were made or taken here and are not deleted: for
// tests.
var liveStrings atomic.Int64

// NewHString makes a string, to be deleted. What is not UTF-8 in s becomes U+FFFD.
func NewHString(s string) (HString, error) {
	text := utf16.Encode([]rune(s))
	if len(text) == 0 {
		return 0, nil
	}
	var h HString
	err := call(windowsCreateString, uintptr(unsafe.Pointer(&text[0])), uintptr(len(text)), uintptr(unsafe.Pointer(&h)))
	if err == nil {
		liveStrings.Add(1)
	}
	return h, err
}

// String reads h, which stays.
func (h HString) String() string {
	if h == 0 {
		return ""
	}
	var n uint32
	p, _, _ := windowsGetStringRawBuffer.Call(uintptr(h), uintptr(unsafe.Pointer(&n)))
	if p == 0 || n == 0 {
		return ""
	}
	return string(utf16.Decode(unsafe.Slice((*uint16)(pointer(p)), n)))
}

// Delete gives a string of NewHString back.
func (h HString) Delete() {
	if h != 0 {
		liveStrings.Add(-1)
		windowsDeleteString.Call(uintptr(h))
	}
}

// take reads a string that a call answered, and gives it back.
func (h HString) take() string {
	if h != 0 {
		liveStrings.Add(1)
	}
	defer h.Delete()
	return h.String()
}

// GiveString makes a string for a caller, which deletes it.
func GiveString(s string) (HString, error) {
	h, err := NewHString(s)
	if h != 0 {
		liveStrings.Add(-1)
	}
	return h, err
}

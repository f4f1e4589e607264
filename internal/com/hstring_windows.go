package com

import (
	"sync/atomic"
	"unicode/utf16"
	"unsafe"
)

// HString is a Windows Runtime string. Zero is the empty string.
type HString uintptr

// liveStrings counts the strings that were created or taken here and not deleted,
// for tests.
var liveStrings atomic.Int64

// NewHString creates a string, which the caller must delete. Invalid UTF-8 in s
// becomes U+FFFD.
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

// String returns the text of h, which remains valid.
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

// Delete frees a string created by NewHString.
func (h HString) Delete() {
	if h != 0 {
		liveStrings.Add(-1)
		_, _, _ = windowsDeleteString.Call(uintptr(h)) // always succeeds
	}
}

// take returns the text of a string returned by a call, and frees the string.
func (h HString) take() string {
	if h != 0 {
		liveStrings.Add(1)
	}
	defer h.Delete()
	return h.String()
}

// GiveString creates a string for a caller, which frees it.
func GiveString(s string) (HString, error) {
	h, err := NewHString(s)
	if h != 0 {
		liveStrings.Add(-1)
	}
	return h, err
}

package com

import (
	"strings"
	"syscall"
)

// systemText is what Windows says of an error number of its own.
func systemText(h HRESULT) string {
	if h.Facility() != facilityWin32 {
		return ""
	}
	text := syscall.Errno(h.Code()).Error()
	if strings.HasPrefix(text, "winapi error") {
		return "" // it does not know it either
	}
	return strings.TrimRight(text, ". \r\n")
}

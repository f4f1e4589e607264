package com

import (
	"strings"
	"syscall"
)

// systemText returns Windows' description of one of its error numbers, or "".
func systemText(h HRESULT) string {
	if h.Facility() != facilityWin32 {
		return ""
	}
	text := syscall.Errno(h.Code()).Error()
	if strings.HasPrefix(text, "winapi error") {
		return "" // unknown to Windows too
	}
	return strings.TrimRight(text, ". \r\n")
}

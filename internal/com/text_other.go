//go:build !windows

package com

// systemText returns "": only Windows knows its texts.
func systemText(HRESULT) string { return "" }

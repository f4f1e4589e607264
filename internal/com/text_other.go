//go:build !windows

package com

// systemText is known on Windows only.
func systemText(HRESULT) string { return "" }

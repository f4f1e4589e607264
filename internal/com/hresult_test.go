package com

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestHRESULTText(t *testing.T) {
	for _, c := range []struct {
		h    HRESULT
		want string
	}{
		{0x80070490, "0x80070490 (ERROR_NOT_FOUND): it was not found"},
		{0x80070032, "0x80070032 (ERROR_NOT_SUPPORTED): the request is not supported"},
		{0x80010108, "0x80010108 (RPC_E_DISCONNECTED): the object has disconnected from its clients"},
		{0x80990001, "0x80990001 (facility 153, code 1)"},
		{0x80131522, "0x80131522 (facility 19, code 5410)"},
	} {
		if got := c.h.Error(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	if got := HRESULT(0x80073d0a).Error(); !strings.HasPrefix(got, "0x80073D0A (Windows 15626)") {
		t.Errorf("a Windows error without a row: %q", got)
	}
}

// The rows are consistent with their numbers: names are unique, and success codes
// are not failures.
func TestHRESULTTable(t *testing.T) {
	names := map[string]HRESULT{}
	for h, row := range hresults {
		if other, twice := names[row.name]; twice || row.name == "" || row.text == "" || strings.HasSuffix(row.text, ".") {
			t.Errorf("%v: name %q, also of %v; text %q", h, row.name, other, row.text)
		}
		names[row.name] = h
		if h.Failed() != (h != OK && h != False) {
			t.Errorf("%v: failed is %v", h, h.Failed())
		}
		if strings.HasPrefix(row.name, "ERROR_") && FromWin32(uint32(h.Code())) != h {
			t.Errorf("FromWin32 does not return %v for its code", h)
		}
	}
}

func TestCode(t *testing.T) {
	for _, c := range []struct {
		err  error
		want HRESULT
	}{
		{nil, OK}, {NoInterface, NoInterface}, {fmt.Errorf("in %w", AccessDenied), AccessDenied}, {errors.New("other"), Fail},
	} {
		if got := Code(c.err); got != c.want {
			t.Errorf("%v gives %v", c.err, got)
		}
	}
}

func TestLost(t *testing.T) {
	for _, h := range []HRESULT{0x800706be, 0x800706ba, 0x80010108, 0x80010007, 0x80010012} {
		if !Lost(fmt.Errorf("put_Progress: %w", h)) {
			t.Errorf("Lost(%v) is false", h)
		}
	}
	for _, err := range []error{nil, errors.New("lost"), Fail, AccessDenied, ClassNotRegistered} {
		if Lost(err) {
			t.Errorf("Lost(%v) is true", err)
		}
	}
}

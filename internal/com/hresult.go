package com

import (
	"errors"
	"fmt"
)

// HRESULT is the result of a COM call. It implements error; S_OK and other
// success codes are never returned as errors.
type HRESULT uint32

// HRESULTs that the program returns or checks for.
const (
	OK                 HRESULT = 0
	False              HRESULT = 1
	NotImplemented     HRESULT = 0x80004001
	NoInterface        HRESULT = 0x80004002
	InvalidPointer     HRESULT = 0x80004003
	Fail               HRESULT = 0x80004005
	Bounds             HRESULT = 0x8000000b
	IllegalMethodCall  HRESULT = 0x8000000e
	Closed             HRESULT = 0x80000013
	AccessDenied       HRESULT = 0x80070005
	OutOfMemory        HRESULT = 0x8007000e
	NotSupported       HRESULT = 0x80070032
	InvalidArgument    HRESULT = 0x80070057
	AlreadyExists      HRESULT = 0x800700b7
	NotFound           HRESULT = 0x80070490
	AlreadyRegistered  HRESULT = 0x800704da
	ServerUnavailable  HRESULT = 0x800706ba
	CallFailed         HRESULT = 0x800706be
	NotEnoughQuota     HRESULT = 0x80070718
	NeedsRemediation   HRESULT = 0x80073cfc
	NoPackage          HRESULT = 0x80073d54
	NoApplication      HRESULT = 0x80073d57
	InvalidManifest    HRESULT = 0x80080204
	CallRejected       HRESULT = 0x80010001
	ServerDied         HRESULT = 0x80010007
	ServerDiedDNE      HRESULT = 0x80010012
	Disconnected       HRESULT = 0x80010108
	WrongThread        HRESULT = 0x8001010e
	NoAggregation      HRESULT = 0x80040110
	ClassNotAvailable  HRESULT = 0x80040111
	ClassNotRegistered HRESULT = 0x80040154
	NotInitialized     HRESULT = 0x800401f0
	ServerExecFailure  HRESULT = 0x80080005
	ServerStopping     HRESULT = 0x80080008
)

// hresults has the names and the meanings, without a final period, of HRESULTs
// that occur with background tasks.
var hresults = map[HRESULT]struct{ name, text string }{
	OK:                 {"S_OK", "success"},
	False:              {"S_FALSE", "success, with the answer no"},
	NotImplemented:     {"E_NOTIMPL", "this version of Windows does not support it"},
	NoInterface:        {"E_NOINTERFACE", "the object does not have the interface"},
	InvalidPointer:     {"E_POINTER", "a pointer is missing"},
	Fail:               {"E_FAIL", "it failed for an unspecified reason"},
	Bounds:             {"E_BOUNDS", "there is no such element"},
	IllegalMethodCall:  {"E_ILLEGAL_METHOD_CALL", "the method must not be called now"},
	Closed:             {"RO_E_CLOSED", "the object is closed"},
	AccessDenied:       {"E_ACCESSDENIED", "access is denied"},
	OutOfMemory:        {"E_OUTOFMEMORY", "there is not enough memory"},
	NotSupported:       {"ERROR_NOT_SUPPORTED", "the request is not supported"},
	InvalidArgument:    {"E_INVALIDARG", "an argument is invalid"},
	AlreadyExists:      {"ERROR_ALREADY_EXISTS", "it already exists"},
	NotFound:           {"ERROR_NOT_FOUND", "it was not found"},
	AlreadyRegistered:  {"ERROR_ALREADY_REGISTERED", "it is already registered"},
	ServerUnavailable:  {"RPC_S_SERVER_UNAVAILABLE", "the other process has exited"},
	CallFailed:         {"RPC_S_CALL_FAILED", "the other process ended during the call"},
	NotEnoughQuota:     {"ERROR_NOT_ENOUGH_QUOTA", "the quota is used up"},
	NeedsRemediation:   {"ERROR_NEEDS_REMEDIATION", "the package needs to be repaired"},
	NoPackage:          {"APPMODEL_ERROR_NO_PACKAGE", "the process has no package identity"},
	NoApplication:      {"APPMODEL_ERROR_NO_APPLICATION", "the process has no application identity"},
	InvalidManifest:    {"APPX_E_INVALID_MANIFEST", "the manifest is invalid"},
	CallRejected:       {"RPC_E_CALL_REJECTED", "the other process rejected the call"},
	ServerDied:         {"RPC_E_SERVER_DIED", "the other process died"},
	ServerDiedDNE:      {"RPC_E_SERVER_DIED_DNE", "the other process died before the call reached it"},
	Disconnected:       {"RPC_E_DISCONNECTED", "the object has disconnected from its clients"},
	WrongThread:        {"RPC_E_WRONG_THREAD", "the call was made on a thread of another apartment"},
	NoAggregation:      {"CLASS_E_NOAGGREGATION", "the class cannot be part of another object"},
	ClassNotAvailable:  {"CLASS_E_CLASSNOTAVAILABLE", "the server does not have the class"},
	ClassNotRegistered: {"REGDB_E_CLASSNOTREG", "the class is not registered"},
	NotInitialized:     {"CO_E_NOTINITIALIZED", "COM was not started in this process"},
	ServerExecFailure:  {"CO_E_SERVER_EXEC_FAILURE", "the server started but did not register its class"},
	ServerStopping:     {"CO_E_SERVER_STOPPING", "the server is shutting down"},
}

// Facilities, the origins of HRESULTs.
const (
	facilityWin32 = 7
)

var facilities = map[int]string{
	0: "general", 1: "RPC", 2: "dispatch", 3: "storage", 4: "interface", facilityWin32: "Windows", 8: "Windows",
	9: "security", 21: "packages", 39: "app model", 83: "state repository",
}

// Failed reports whether h is a failure.
func (h HRESULT) Failed() bool { return int32(h) < 0 }

// Facility returns the number of the component that h comes from.
func (h HRESULT) Facility() int { return int(h>>16) & 0x7ff }

// Code returns the component's own number for the result.
func (h HRESULT) Code() int { return int(h & 0xffff) }

// Name returns the name of the constant, or "" if it is unknown here.
func (h HRESULT) Name() string { return hresults[h].name }

// Text returns a description without a final period: from the table, else from
// the system, else "".
func (h HRESULT) Text() string {
	if known, ok := hresults[h]; ok {
		return known.text
	}
	return systemText(h)
}

// Error returns a text such as "0x80070490 (ERROR_NOT_FOUND): it was not found".
func (h HRESULT) Error() string {
	s := fmt.Sprintf("0x%08X", uint32(h))
	switch facility, known := facilities[h.Facility()]; {
	case h.Name() != "":
		s += " (" + h.Name() + ")"
	case known:
		s += fmt.Sprintf(" (%s %d)", facility, h.Code())
	default:
		s += fmt.Sprintf(" (facility %d, code %d)", h.Facility(), h.Code())
	}
	if text := h.Text(); text != "" {
		s += ": " + text
	}
	return s
}

// FromWin32 converts a Windows error number to an HRESULT.
func FromWin32(code uint32) HRESULT {
	if code == 0 {
		return OK
	}
	return HRESULT(code&0xffff) | facilityWin32<<16 | 0x80000000
}

// Code returns the result of a method that fails with err: the HRESULT in err, or
// Fail.
func Code(err error) HRESULT {
	var h HRESULT
	switch {
	case err == nil:
		return OK
	case errors.As(err, &h):
		return h
	}
	return Fail
}

// Lost reports whether err means that the other process died or disconnected the
// object, so that it will never respond again.
func Lost(err error) bool {
	var h HRESULT
	if !errors.As(err, &h) {
		return false
	}
	switch h {
	case ServerUnavailable, CallFailed, ServerDied, ServerDiedDNE, Disconnected:
		return true
	}
	return false
}

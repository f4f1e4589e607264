package com

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// Many structures and tokens that are passed by value need two words on 32-bit
// systems. These are not supported, and do not compile.
const _ = uint(unsafe.Sizeof(uintptr(0)) - 8)

var (
	ole32    = windows.NewLazySystemDLL("ole32.dll")
	combase  = windows.NewLazySystemDLL("combase.dll")
	kernel32 = windows.NewLazySystemDLL("kernel32.dll")

	coIncrementMTAUsage = combase.NewProc("CoIncrementMTAUsage")

	coCreateInstance          = ole32.NewProc("CoCreateInstance")
	coGetClassObject          = ole32.NewProc("CoGetClassObject")
	coRegisterClassObject     = ole32.NewProc("CoRegisterClassObject")
	coRevokeClassObject       = ole32.NewProc("CoRevokeClassObject")
	coResumeClassObjects      = ole32.NewProc("CoResumeClassObjects")
	coSuspendClassObjects     = ole32.NewProc("CoSuspendClassObjects")
	coAddRefServerProcess     = ole32.NewProc("CoAddRefServerProcess")
	coReleaseServerProcess    = ole32.NewProc("CoReleaseServerProcess")
	coDisconnectObject        = ole32.NewProc("CoDisconnectObject")
	coTaskMemAlloc            = ole32.NewProc("CoTaskMemAlloc")
	coTaskMemFree             = ole32.NewProc("CoTaskMemFree")
	roActivateInstance        = combase.NewProc("RoActivateInstance")
	roGetActivationFactory    = combase.NewProc("RoGetActivationFactory")
	windowsCreateString       = combase.NewProc("WindowsCreateString")
	windowsDeleteString       = combase.NewProc("WindowsDeleteString")
	windowsGetStringRawBuffer = combase.NewProc("WindowsGetStringRawBuffer")

	getProcessHeap = kernel32.NewProc("GetProcessHeap")
	heapAlloc      = kernel32.NewProc("HeapAlloc")
	heapFree       = kernel32.NewProc("HeapFree")
)

// needed are the functions that the package requires. Windows 8 and later have
// them.
var needed = []*windows.LazyProc{
	coIncrementMTAUsage, coCreateInstance, coGetClassObject, coRegisterClassObject, coRevokeClassObject, coResumeClassObjects, coSuspendClassObjects,
	coAddRefServerProcess, coReleaseServerProcess, coDisconnectObject, coTaskMemAlloc, coTaskMemFree, roActivateInstance, roGetActivationFactory,
	windowsCreateString, windowsDeleteString, windowsGetStringRawBuffer, getProcessHeap, heapAlloc, heapFree,
}

// call calls a function that returns an HRESULT.
//
//go:uintptrescapes
func call(p *windows.LazyProc, args ...uintptr) error {
	r, _, _ := p.Call(args...)
	return result(HRESULT(r))
}

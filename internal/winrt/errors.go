package winrt

import (
	"errors"
	"fmt"

	"github.com/bgtask/bgtask/internal/com"
	"github.com/bgtask/bgtask/task"
)

// explanation is the meaning of an HRESULT for the user of an operation.
type explanation struct {
	op       string // "" for any operation
	code     com.HRESULT
	sentinel error
	detail   string // without a final period
	hint     string
}

const (
	hintPackage = "package it with 'bgtask package', or give it a sparse package, and start it from the package; see doc/WINDOWS.md"
	hintVersion = "background tasks of COM classes need Windows 10, version 2004 (build 19041), or later"
)

var explanations = []explanation{
	{"register", com.NotSupported, task.ErrTriggerNotSupported, "Windows does not fire this trigger for a COM class",
		"use a TimeTrigger, with a condition if there is one for it; doc/COMPATIBILITY.md lists what Windows is known to accept"},
	{"register", com.ClassNotRegistered, task.ErrClassNotDeclared, "Windows does not know the class",
		"declare it in the manifest, in a com:ExeServer, and install the package: 'bgtask manifest check' reports what is missing"},
	{"register", com.InvalidArgument, task.ErrInvalid, "Windows rejected the registration as invalid",
		"timers need at least 15 minutes, and a MaintenanceTrigger at most 30 days"},
	{"register", com.NotEnoughQuota, task.ErrLimit, "the application already has a registration with such a trigger, and Windows allows only one",
		"unregister it first, or use Ensure, which finds it"},
	{"register", com.AlreadyRegistered, task.ErrConflict, "Windows already has such a registration", "use Ensure, which finds it"},
	{"register", com.AlreadyExists, task.ErrConflict, "Windows already has such a registration", "use Ensure, which finds it"},
	{"request", com.Fail, task.ErrNotRegistered, "Windows has no registration with this ApplicationTrigger", "register it, and request again"},
	{"request", com.NotSupported, task.ErrTriggerNotSupported, "Windows does not fire an ApplicationTrigger for this registration", "do the work in the application"},
	{"serve", com.AccessDenied, task.ErrAccessDenied, "Windows does not allow the process to serve the class", "start it as the task's user, not as an administrator"},

	{"", com.NotFound, task.ErrNoPackage, "Windows cannot find the application: the process has no package identity", hintPackage},
	{"", com.NoPackage, task.ErrNoPackage, "the process has no package identity", hintPackage},
	{"", com.NoApplication, task.ErrNoPackage, "the process does not belong to an application of its package", hintPackage},
	{"", com.AccessDenied, task.ErrAccessDenied, "Windows denies the application background access",
		"allow background activity in Settings > Apps > the application > Advanced options"},
	{"", com.NotEnoughQuota, task.ErrLimit, "a Windows quota is exhausted", "unregister tasks that are no longer needed"},
	{"", com.InvalidArgument, task.ErrInvalid, "Windows rejected an argument", ""},
	{"", com.ClassNotRegistered, task.ErrNotSupported, "this version of Windows does not have background tasks", hintVersion},
	{"", com.ClassNotAvailable, task.ErrNotSupported, "this version of Windows does not have background tasks", hintVersion},
	{"", com.NoInterface, task.ErrNotSupported, "this version of Windows does not support the call", hintVersion},
	{"", com.NotImplemented, task.ErrNotSupported, "this version of Windows does not support the call", hintVersion},
	{"", com.NotSupported, task.ErrNotSupportedOnWindows, "Windows does not support this", "doc/COMPATIBILITY.md lists what it supports"},
	{"", com.ServerUnavailable, task.ErrUnavailable, "the broker of Windows has exited", "try again; Windows restarts it"},
	{"", com.CallFailed, task.ErrUnavailable, "the broker of Windows ended during the call", "try again; Windows restarts it"},
	{"", com.ServerDied, task.ErrUnavailable, "the broker of Windows died", "try again; Windows restarts it"},
	{"", com.ServerDiedDNE, task.ErrUnavailable, "the broker of Windows died", "try again; Windows restarts it"},
	{"", com.Disconnected, task.ErrUnavailable, "the broker of Windows released the object", "try again"},
	{"", com.CallRejected, task.ErrBusy, "the broker of Windows is busy", "try again in a moment"},
	{"", com.ServerExecFailure, task.ErrUnavailable, "the class server started but did not register its class in time", "start it manually with the arguments in the manifest, and check its output"},
	{"", com.NeedsRemediation, task.ErrConflict, "the package is damaged, or made for another architecture", "install the package again, for this architecture"},
	{"", com.InvalidManifest, task.ErrInvalid, "Windows rejects the manifest", "run 'bgtask manifest check' to see why"},
	{"", com.OutOfMemory, task.ErrBusy, "Windows is out of memory", "try again later"},
	{"", com.WrongThread, task.ErrInternal, "a call came on a thread of another apartment", ""},
}

// Explain explains an error of a call for the operation op. It returns a
// task.Error with one of the sentinel errors of package task, a description and a
// hint. errors.Is also finds the HRESULT. An error without an HRESULT is returned
// unchanged.
func Explain(op, subject string, err error) error {
	var code com.HRESULT
	if !errors.As(err, &code) {
		return err
	}
	e := explanation{sentinel: task.ErrInternal, detail: "Windows returned an error"}
	for _, row := range explanations {
		if row.code == code && (row.op == "" || row.op == op) {
			e = row
			break
		}
	}
	return &task.Error{Op: op, Subject: subject, Err: fmt.Errorf("%w: %w", e.sentinel, err), Detail: fmt.Sprintf("%s: %v", e.detail, err), Hint: e.hint}
}

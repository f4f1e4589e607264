package winrt

import (
	"errors"
	"fmt"

	"github.com/bgtask/bgtask/internal/com"
	"github.com/bgtask/bgtask/task"
)

// explanation is what an HRESULT means to the user of an operation.
type explanation struct {
	op       string // "": of any
	code     com.HRESULT
	sentinel error
	detail   string // a sentence without a full stop
	hint     string
}

const (
	hintPackage = "package it with 'bgtask package', or give it a sparse package, and start it from the package; doc/WINDOWS.md tells how"
	hintVersion = "background tasks of COM classes need Windows 10, version 2004 (build 19041), or later"
)

var explanations = []explanation{
	{"register", com.NotSupported, task.ErrTriggerNotSupported, "Windows does not fire this trigger for a COM class",
		"use a TimeTrigger, with a condition if there is one for it; doc/COMPATIBILITY.md lists what Windows is known to accept"},
	{"register", com.ClassNotRegistered, task.ErrClassNotDeclared, "Windows does not know the class",
		"declare it in the manifest, in a com:ExeServer, and install the package: 'bgtask manifest check' tells what is missing"},
	{"register", com.InvalidArgument, task.ErrInvalid, "Windows refuses the registration as invalid",
		"a timer below 15 minutes is refused, and so is a MaintenanceTrigger above 30 days"},
	{"register", com.NotEnoughQuota, task.ErrLimit, "the application has a registration with such a trigger already, and Windows allows one",
		"unregister it first, or use Ensure, which finds it"},
	{"register", com.AlreadyRegistered, task.ErrConflict, "Windows has such a registration already", "use Ensure, which finds it"},
	{"register", com.AlreadyExists, task.ErrConflict, "Windows has such a registration already", "use Ensure, which finds it"},
	{"request", com.Fail, task.ErrNotRegistered, "Windows knows no registration with this ApplicationTrigger", "register it, and ask again"},
	{"request", com.NotSupported, task.ErrTriggerNotSupported, "Windows fires no ApplicationTrigger for this registration", "do the work in the application"},
	{"serve", com.AccessDenied, task.ErrAccessDenied, "Windows does not let the process serve the class", "start it as the user whose task it is, and not as administrator"},

	{"", com.NotFound, task.ErrNoPackage, "Windows does not find the application: the process has no package identity", hintPackage},
	{"", com.NoPackage, task.ErrNoPackage, "the process has no package identity", hintPackage},
	{"", com.NoApplication, task.ErrNoPackage, "the process belongs to no application of its package", hintPackage},
	{"", com.AccessDenied, task.ErrAccessDenied, "Windows denies the application background access",
		"Settings, Apps, the application, Advanced options: allow background activity"},
	{"", com.NotEnoughQuota, task.ErrLimit, "a quota of Windows is used up", "unregister what is not needed any more"},
	{"", com.InvalidArgument, task.ErrInvalid, "Windows refuses an argument", ""},
	{"", com.ClassNotRegistered, task.ErrNotSupported, "this Windows has no background tasks", hintVersion},
	{"", com.ClassNotAvailable, task.ErrNotSupported, "this Windows has no background tasks", hintVersion},
	{"", com.NoInterface, task.ErrNotSupported, "this version of Windows does not have it", hintVersion},
	{"", com.NotImplemented, task.ErrNotSupported, "this version of Windows does not have it", hintVersion},
	{"", com.NotSupported, task.ErrNotSupportedOnWindows, "Windows does not support it", "doc/COMPATIBILITY.md lists what it does"},
	{"", com.ServerUnavailable, task.ErrUnavailable, "the broker of Windows is gone", "try again; it is started anew"},
	{"", com.CallFailed, task.ErrUnavailable, "the broker of Windows ended during the call", "try again; it is started anew"},
	{"", com.ServerDied, task.ErrUnavailable, "the broker of Windows died", "try again; it is started anew"},
	{"", com.ServerDiedDNE, task.ErrUnavailable, "the broker of Windows died", "try again; it is started anew"},
	{"", com.Disconnected, task.ErrUnavailable, "the broker of Windows let go of the object", "try again"},
	{"", com.CallRejected, task.ErrBusy, "the broker of Windows is busy", "try again in a moment"},
	{"", com.ServerExecFailure, task.ErrUnavailable, "the class server was started and did not register its class in time", "start it by hand with the manifest's arguments and see what it says"},
	{"", com.NeedsRemediation, task.ErrConflict, "the package is damaged, or made for another architecture", "install the package again, for this architecture"},
	{"", com.InvalidManifest, task.ErrInvalid, "Windows refuses the manifest", "'bgtask manifest check' says why"},
	{"", com.OutOfMemory, task.ErrBusy, "Windows is out of memory", "try again later"},
	{"", com.WrongThread, task.ErrInternal, "a call came on a thread of another apartment", ""},
}

// Explain tells what err, of a call for the operation, means: one of the
// sentinels of package task, with the sentence and the remedy that a user needs.
// errors.Is finds the HRESULT too. An error that is none of Windows' stays as it is.
func Explain(op, subject string, err error) error {
	var code com.HRESULT
	if !errors.As(err, &code) {
		return err
	}
	e := explanation{sentinel: task.ErrInternal, detail: "Windows refuses"}
	for _, row := range explanations {
		if row.code == code && (row.op == "" || row.op == op) {
			e = row
			break
		}
	}
	return &task.Error{Op: op, Subject: subject, Err: fmt.Errorf("%w: %w", e.sentinel, err), Detail: fmt.Sprintf("%s: %v", e.detail, err), Hint: e.hint}
}

package com

import (
	"crypto/sha1"
	"strings"

	"github.com/bgtask/bgtask/task"
)

// parameterized is the name space of the identifiers of parameterized interfaces.
var parameterized = task.MustGUID("11f47ad5-7b73-42c0-abae-878b1e16adee")

// SignatureOf is the signature of an instance of a parameterized interface:
// Windows' "pinterface({generic};argument;argument)". The arguments are signatures
// too: "g16" of a GUID, "string", "{iid}" of an interface.
func SignatureOf(generic GUID, arguments ...string) string {
	return "pinterface({" + generic.String() + "};" + strings.Join(arguments, ";") + ")"
}

// ClassSignature is the signature of a runtime class with the default interface.
func ClassSignature(class string, defaultInterface GUID) string {
	return "rc(" + class + ";{" + defaultInterface.String() + "})"
}

// EnumSignature is that of an enumeration whose values may be negative.
func EnumSignature(name string) string { return "enum(" + name + ";i4)" }

// InstanceIID is the IID of the instance that has the signature: a UUID of
// version 5.
func InstanceIID(signature string) GUID {
	h := sha1.New()
	h.Write(parameterized[:])
	h.Write([]byte(signature))
	id := task.GUID(h.Sum(nil)[:16])
	id[6] = id[6]&0x0f | 0x50
	id[8] = id[8]&0x3f | 0x80
	return FromTask(id)
}

package com

import (
	"crypto/sha1"
	"strings"

	"github.com/bgtask/bgtask/task"
)

// parameterized is the UUID namespace of the identifiers of parameterized
// interfaces.
var parameterized = task.MustGUID("11f47ad5-7b73-42c0-abae-878b1e16adee")

// SignatureOf returns the signature of an instance of a parameterized interface:
// "pinterface({generic};argument;argument)". The arguments are signatures too:
// "g16" for a GUID, "string", "{iid}" for an interface.
func SignatureOf(generic GUID, arguments ...string) string {
	return "pinterface({" + generic.String() + "};" + strings.Join(arguments, ";") + ")"
}

// ClassSignature returns the signature of a runtime class with this default
// interface.
func ClassSignature(class string, defaultInterface GUID) string {
	return "rc(" + class + ";{" + defaultInterface.String() + "})"
}

// EnumSignature returns the signature of an enumeration with signed values.
func EnumSignature(name string) string { return "enum(" + name + ";i4)" }

// InstanceIID returns the IID of the interface with this signature, a version 5
// UUID.
func InstanceIID(signature string) GUID {
	h := sha1.New()
	h.Write(parameterized[:])
	h.Write([]byte(signature))
	id := task.GUID(h.Sum(nil)[:16])
	id[6] = id[6]&0x0f | 0x50
	id[8] = id[8]&0x3f | 0x80
	return FromTask(id)
}

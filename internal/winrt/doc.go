// Package winrt calls the parts of the Windows Runtime for background tasks:
// builder, registrations, groups, triggers, conditions, access, and the instance
// of a run.
//
// The identifiers and the order of methods that the calls depend on are in one
// table. A test compares it with Microsoft's metadata.
package winrt

// Package winrt calls what of the Windows Runtime background tasks need: builder,
// registrations, groups, triggers, conditions, access, and the instance that a
// run is given.
//
// What the calls rest on, identifiers and the order of methods, is in one table,
// which a test holds against the metadata that Microsoft ships.
package winrt

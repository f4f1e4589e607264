// Package manifest reads, checks and writes AppxManifest.xml, which defines the
// identity of a package and which of its programs serve which classes.
//
// The package is pure. Parse, Read and Check take the bytes, and a name for
// messages; they open no file. The caller of [Manifest.Package] passes a
// [Resolve] function that maps paths in the manifest to files on this machine.
// The caller of [Check] passes the list of the package's files.
//
// [Parse] rejects manifests that cannot be understood or would not work here. It
// reports all faults together: its error joins one [task.Error] for each, in file
// order, with line, element and attribute. [Check] also finds what Windows
// rejects and what is probably unintended. Each [Finding] has its line and
// column, its rule from [RuleTable], and a remedy.
//
// [Manifest.Marshal] writes a manifest that was built in memory or read from a
// file. Content without a field in Manifest is kept and written again.
//
// A manifest in a source tree may contain tokens that a build replaces
// ($targetnametoken$, x-generate). Such a template can be read, for tools that
// show it, but it cannot be turned into a package.
package manifest

// Package manifest reads AppxManifest.xml: who a package is, and which of its
// programs serve which classes.
//
// It is pure. Parse and Read take the bytes and the name to show in messages;
// they open no file. What a path in the manifest means on this machine is for
// the caller of [Manifest.Package] to say, through a [Resolve] function.
//
// Everything wrong with a manifest is told at once: an error joins one
// [task.Error] for each fault, in the order of the file, each with its line,
// its element and its attribute.
//
// A manifest in a source tree still holds tokens that a build fills in
// ($targetnametoken$, x-generate). Such a template can be read, so that tools
// can show it, but it makes no package.
package manifest

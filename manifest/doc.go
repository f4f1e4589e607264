// Package manifest reads, checks and writes AppxManifest.xml: who a package is, and
// which of its programs serve which classes.
//
// It is pure. Parse, Read and Check take the bytes and the name to show in messages;
// they open no file. What a path in the manifest means on this machine is for the
// caller of [Manifest.Package] to say, through a [Resolve] function, and which files
// the package has for the caller of [Check].
//
// [Parse] refuses what cannot be understood or would not work here, everything at
// once: an error joins one [task.Error] for each fault, in the order of the file,
// each with its line, its element and its attribute. [Check] finds what Windows
// refuses too, and what is probably not meant: each [Finding] has its line and
// column, the rule of [RuleTable] and a remedy.
//
// [Manifest.Marshal] writes a manifest, one made by hand or one that was read. What
// of a manifest has no field here is kept and written again.
//
// A manifest in a source tree still holds tokens that a build fills in
// ($targetnametoken$, x-generate). Such a template can be read, so that tools
// can show it, but it makes no package.
package manifest

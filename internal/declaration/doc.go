// Package declaration reads bgtask.toml, the short file from which a package is
// made: its manifest, its logos and its folder.
//
// A declaration is checked when it is loaded. All faults are reported together,
// each with its line. The manifest of a valid declaration passes the check of
// package manifest. Unknown keys are rejected: a misspelled key must not silently
// fall back to the default.
package declaration

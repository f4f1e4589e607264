// Package declaration reads bgtask.toml: the few lines from which a package is
// made, its manifest, its logos and its folder.
//
// A declaration is checked when it is loaded, each fault with its line and all at
// once; what it then says makes a manifest that passes the check. A key that is not
// known is refused: a misspelt one must not be a default in silence.
package declaration

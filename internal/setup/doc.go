// Package setup installs what makes the broker a service of its user, and removes it
// again: systemd units, a D-Bus activation file and shell completions. Everything
// comes from the binary.
//
// Each installed file ends with a line that holds a checksum of the lines above it.
// A file without a valid line was written or edited by other means: setup neither
// overwrites nor removes it, and reports that. A file that a distribution package
// installed system-wide is never shadowed by a copy in the home directory.
package setup

// Package systemd is the broker's side of systemd: the service manager that may
// have started the broker, the user's service manager on the session bus, and
// logind. Every function works without systemd too: nothing is reported then, and
// what cannot be asked counts as "no".
//
// Calls to a manager take a context and are bounded by two seconds, so that a
// manager that hangs delays a launch or a shutdown but does not stop it.
package systemd

// Package source watches the services of the machine and reports facts.
//
// There is one file per service. Each is a [Source]: it blocks, reports all its
// facts together whenever one changed, and returns when its service went away.
// A service that does not exist is a value, [NotHere], and no failure.
//
// Where several services can say the same (NetworkManager, systemd-networkd,
// the kernel) they stand in a [Chain], best first. [Run] keeps the best one that
// is here working, restarts it with back-off and falls back when it goes.
//
// What a service sends is taken as a hint only: after a signal its state is read
// again, at most ten times a second. So a storm of signals costs bounded memory,
// the last value is always right, and a signal forged by another local user (the
// system bus delivers those) can make nothing true that is not.
//
// Nothing polls, with two exceptions for which the kernel has no event: free
// space (storage.go) and the charge of a battery without UPower, while it is in
// use (powersupply.go).
//
// Triggers that watch what their registrations ask for, files, sockets and
// devices, are [Watcher]s.
package source

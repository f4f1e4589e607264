// Package source watches the services of the machine and reports facts.
//
// There is one file per service. Each is a [Source]: it blocks, reports all its
// facts together whenever one of them changes, and returns when its service goes
// away. A service that does not exist on this machine is reported as the value
// [NotHereError] and is not a failure.
//
// Several services can report the same facts: NetworkManager, systemd-networkd
// and the kernel all know the network. They form a [Chain], best first. [Run]
// uses the best service that is available, restarts it with back-off, and falls
// back to the next one when it goes away.
//
// A signal from a service is only a hint. After a signal the state is read again,
// at most ten times a second. So a storm of signals costs bounded memory, the
// last value is always right, and a forged signal (any local user can send one on
// the system bus) cannot change a fact.
//
// Nothing polls, with two exceptions for which the kernel has no event: free
// space (storage_linux.go), and the charge of a battery in use without UPower
// (powersupply_linux.go).
//
// Some triggers name what to watch: files, sockets and devices. A [Watcher]
// serves them.
package source

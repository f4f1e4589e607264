// Package broker is the shell around the engine: it puts the rooms of the broker
// together, runs them, and takes them apart again.
//
//	rpc       the protocol's face: requests, queries, streams, who the caller is
//	hosts     the attached hosts and their streams
//	launches  processes that are started, found, followed and ended
//	watch     files, sockets, devices, toasts and push messages that registrations watch
//	packages  install, recognize and remove packages
//	systemd   the service managers and logind
//	clock     the machine's clocks and the one timer
//	loop      the only goroutine that touches the engine
//
// Imports point down this list. A room gets what it needs from Run, and reaches the
// engine through a loop.Handle only. The loop's actions come back through perform.go.
//
// The broker never waits for a peer: what may take long (a fork, a walk through /proc,
// the removal of a folder) is done by a goroutine whose result comes back as an event.
// Running tasks outlive their broker; the next one adopts them.
package broker

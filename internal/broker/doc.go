// Package broker is the shell round the engine: it owns the engine, feeds it
// with events, commits what it writes, performs what it asks for, and serves the
// protocol.
//
// # One loop
//
//	sources, hosts, clients, timer -> inbox -> Step ... Step -> Commit -> perform -> arm
//
// The loop takes all events that wait (at most 1,024), steps them one after
// another, commits their writes together, performs their actions in order, and
// arms the one timer. It is the only goroutine that touches the engine, and it
// waits for nobody: a request that finds the inbox full is refused, a stream
// whose outbox is full is closed, and whatever may take long (a fork, a walk
// through /proc, the removal of a folder) is done by a goroutine of its own
// whose result comes back as an event.
//
// A failed commit ends the broker: what is in memory is ahead of the disk, and
// the only way on is to load it again. So does a defect that the engine finds in
// itself. Running tasks outlive their broker; the next one adopts them.
//
// # Everything else
//
// Hosts (hosts.go) are processes with an attach stream; their identity is
// established once, by the kernel. Requests (requests.go) wait for the engine's
// Reply. Watchers (hub.go) get what was committed. Processes (processes.go)
// turns StartServer, FindProcess and Signal into the events that follow them.
package broker

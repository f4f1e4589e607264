// Package loop is the broker's one loop: the only goroutine that touches the engine.
//
//	sources, hosts, clients, timer -> inbox -> Step ... Step -> Commit -> perform -> arm
//
// The loop takes all events that wait in the inbox (at most 1,024), steps them one
// after another, commits their writes together, performs their actions in order, and
// arms the one timer. It never waits for a peer: a request that finds the inbox full
// is refused, and a subscriber whose buffer is full is dropped.
//
// A failed commit ends the loop, and with it the broker: the state in memory is ahead
// of the disk, and the only way on is to load it again. So does a defect that the
// engine finds in itself.
//
// All other parts of the broker reach the engine through a Handle. It queues events
// (Put, Urge, Report), sends a request and waits for its answer (Ask), and reads the
// engine's state on the loop (Query).
package loop

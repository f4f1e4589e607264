// Package engine is the pure state machine of bgtask: it takes an event and the
// time, and returns what to write and what to do.
//
//	Step(now, Event) Output{Writes, Actions, Wake}
//
// It does no I/O, reads no clock, starts no goroutine and draws its ids from a
// seed, so every behaviour can be written down as a transcript, replayed,
// simulated and explained. The shell (package broker) commits all Writes in one
// transaction, then performs the Actions, then arms one timer for Wake.
//
// # How it is built
//
// A fact changes, a timer ends, a host speaks: each event touches registrations.
// A touched registration is advanced (due instants fire, what was held too long
// expires) and judged: reasons lists everything that it waits for. One that waits
// for nothing of its own stands in line for admission, which takes its key, its
// slots and, if the class must be launched, a launch slot at once or nothing.
// The same list of reasons answers why.
//
// Nothing here is a special path: a command task, a retry, a re-adopted run after
// a restart all go through reasons, admit, and finish.
package engine

// Package engine is the pure state machine of bgtask: it takes an event and the
// time, and returns what to write and what to do.
//
//	Step(now, Event) Output{Writes, Actions, Wake}
//
// It does no I/O, reads no clock, starts no goroutine and draws its ids from a
// seed, so every behavior can be written down as a transcript, replayed,
// simulated and explained. The shell (package broker) commits all Writes in one
// transaction, then performs the Actions, then arms one timer for Wake.
//
// # How it is built
//
// A fact changes, a timer ends, a host reports: each event touches registrations.
// A touched registration is advanced: due instants fire, and occurrences that were
// held too long expire. Then its reasons are listed: everything that its front
// occurrence waits for. If only shared limits are left, the registration joins the
// ready queue. Admission takes its key, its slots and, if the class must be launched,
// a launch slot: all of them in one step, or none. Why prints the same list.
//
// There is no special path: a command task, a retry, and a run adopted after a
// restart all go through reasons, admit and endRun.
//
// The contract is doc/SEMANTICS.md; the sections named in the files are its sections.
package engine

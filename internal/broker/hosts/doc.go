// Package hosts keeps the attached hosts: the processes that registered class objects
// and take activations, one stream for each.
//
// The loop sends frames through a host's outbox and never waits for it: a host that
// does not read is cut off. The frames of a host become events of the engine. What a
// process said before it ended counts: its exit is reported only after its stream was
// read to the end (Drained), for at most a second.
package hosts

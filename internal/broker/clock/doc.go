// Package clock reads the machine's clocks and sets its one timer for the broker's
// loop. The engine itself reads no clock: each step gets an engine.Instant.
package clock

package engine

import "time"

// Instant is one reading of the machine's clocks. Three are needed because they
// disagree about sleep and steps; section 2 of SEMANTICS says which promise counts with
// which.
type Instant struct {
	Wall  time.Time     // with the machine's zone as its location
	Boot  time.Duration // CLOCK_BOOTTIME: counts sleep
	Awake time.Duration // CLOCK_MONOTONIC: does not count sleep
	ID    string        // boot id; a different one means that the machine was off
}

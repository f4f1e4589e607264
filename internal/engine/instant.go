package engine

import "time"

// Instant is one reading of the machine's clocks.
type Instant struct {
	Wall  time.Time     // with the machine's zone as its location
	Boot  time.Duration // CLOCK_BOOTTIME: counts sleep
	Awake time.Duration // CLOCK_MONOTONIC: does not
	ID    string        // boot id; another one means that the machine was off
}

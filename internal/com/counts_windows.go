package com

// Counts counts resources that may leak, for tests.
type Counts struct {
	Objects   int   // objects of this process with references
	Strings   int64 // strings created or taken, and not deleted
	Callbacks int64 // callbacks in use, out of about 2,000 per process
}

// Count returns the current counts.
func Count() Counts {
	return Counts{Objects: Live(), Strings: liveStrings.Load(), Callbacks: callbacks.Load()}
}

package com

// Counts is what may leak: for tests.
type Counts struct {
	Objects   int   // of ours, that somebody has a reference to
	Strings   int64 // that were made or taken and not given back
	Callbacks int64 // of some 2,000 that a process has
}

// Count counts now.
func Count() Counts {
	return Counts{Objects: Live(), Strings: liveStrings.Load(), Callbacks: callbacks.Load()}
}

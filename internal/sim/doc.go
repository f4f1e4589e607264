// Package sim is a virtual machine around the engine: its clocks, its processes,
// its user, its sources of facts and a store that crashes, all driven by one seed.
//
// A history is a few hundred steps of a world that is as unkind as a seed makes
// it: the machine sleeps, its clock jumps, facts flap, class servers hang, crash
// or never come up, the broker dies at a commit and is started again on what it
// had stored. After every step an auditor that keeps its own books holds the
// engine against the contract. At the end the world turns kind, and everything
// that was accepted has to end.
//
// The same seed gives the same transcript, byte for byte.
//
// # What is true
//
// The simulated processes know whose code they really run. So the promises that
// matter most are not checked against what the engine believes: that two runs of
// one registration are never live at once, and that an outcome is given only
// when the code no longer runs.
package sim

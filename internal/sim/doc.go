// Package sim is a virtual machine around the engine: its clocks, its processes,
// its user, its sources of facts and a store that crashes, all driven by one seed.
//
// A history is a few hundred steps in an unkind world: the machine sleeps, its clock
// jumps, facts flap, class servers hang, crash or never come up, and the broker dies
// at a commit and is started again on what it had stored. After every step, an auditor
// with its own records compares the engine with the contract. At the end the world
// turns kind, and everything that was accepted must end.
//
// The same seed gives the same transcript, byte for byte.
//
// # Ground truth
//
// The simulated processes know whose code they really run. The most important promises
// are therefore not checked against what the engine believes: two runs of one
// registration are never live at the same time, and a run gets its outcome only when
// its code no longer runs.
package sim

// Package launches carries out what the engine wants of processes (StartServer,
// FindProcess, Signal) and turns what becomes of them into events.
//
// Each request runs in its own goroutine, so the loop never waits for a fork or for a walk
// through /proc. For each launch the events come in this order: ServerStarted or
// StartFailed; Exited, after the last words of the process's stream; TreeEnded.
package launches

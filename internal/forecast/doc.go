// Package forecast predicts which runs would happen, and when: it drives a fork of the
// engine through virtual time, as the broker drives the engine through real time.
//
// It touches nothing of the real state, stores nothing and starts no process. All rules
// are the engine's. Only the world around the engine is made up here:
//
//   - Facts have the values that the script gives them, and otherwise stay unchanged.
//     No fact follows from another, except the offset of the time zone, which is
//     known. An edge that the script makes fires triggers, as a real one does.
//   - Runs complete, and each takes the time that the question gives. A canceled run
//     stops immediately.
//   - Class servers come up immediately, and stay. Existing processes stay, and work.
//   - The machine does not sleep, its clock does not step, and nothing arrives from
//     outside: no requests, events, files, connections, devices, toasts or messages.
//
// The package is pure: the same state and the same question give the same answer.
package forecast

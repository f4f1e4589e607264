// Package forecast answers which runs would happen when: it drives a fork of the
// engine through virtual time, as the broker drives the engine through real time.
//
// Nothing of the real state is touched, nothing is stored, no process is started.
// The rules are the engine's alone; what is made up here is the world around it:
//
//   - Facts are what the script says of them, and otherwise stay as they are. No fact
//     follows from another, but for the offset of the time zone, which is known. An
//     edge that the script makes fires triggers, as a real one does.
//   - Runs complete, and each lasts as long as it is said to. A run that is told to
//     stop stops at once.
//   - Class servers come up at once, and stay. Processes that are there stay, and are
//     in order.
//   - The machine does not sleep, nobody sets its clock, and nobody asks for anything:
//     no requests, events, files, connections, devices, toasts or messages.
//
// It is pure: the same state and the same question have the same answer.
package forecast

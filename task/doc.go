// Package task is the vocabulary of bgtask: what a task, a trigger, a
// condition, a fact, a run and its outcome are. It holds values and rule tables
// only: it imports nothing of ours, does no I/O and reads no clock, so the
// engine, the wire, the command line and the SDK can all use it.
//
// The words are those of Windows.ApplicationModel.Background; the numbers of
// enumerations that Windows has are Windows' numbers.
package task

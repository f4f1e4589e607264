// Package task is the vocabulary of bgtask: what a task, a trigger, a condition, a fact,
// a run and its outcome are. It contains only values and rule tables. It imports no other
// package of this module, does no I/O and reads no clock, so the engine, the wire, the
// command line and the SDK can all use it.
//
// The terms are those of Windows.ApplicationModel.Background. An enumeration that
// Windows has, has Windows' numbers.
package task

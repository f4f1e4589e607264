// Package command is the class server of command tasks: the broker launches it
// for one run, and it runs one command.
//
// It takes the way of every other task: it attaches as a host, serves
// task.CommandClass for one activation, tells the outcome and leaves. The command
// is its child, in a process group of its own, so that it and all that it starts
// can be told to stop; whatever leaves the group is ended by the broker with the
// launch.
//
//	exit 0    completed
//	exit 75   once more (EX_TEMPFAIL)
//	exit n    failed; once more, if the task says so
//	signal    crashed
//
// SIGTERM is the cancel: after it the run is canceled, whatever the status.
package command

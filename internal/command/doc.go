// Package command is the class server of command tasks. The broker launches it
// for one run, in which it executes one command.
//
// A command task takes the same path as every other task. The server attaches as
// a host, serves task.CommandClass for one activation, reports the outcome and
// exits. The command is its child in a separate process group, so that the
// command and its children can be signaled together. Processes that leave the
// group are killed by the broker when it ends the launch.
//
//	exit 0    completed
//	exit 75   retry (EX_TEMPFAIL)
//	exit n    failed; retry, if the task is configured so
//	signal    crashed
//
// A cancellation sends SIGTERM. After it the run ends as canceled, whatever the
// exit status.
package command

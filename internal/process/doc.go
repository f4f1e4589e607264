// Package process starts class servers, finds them again after the broker was
// restarted, watches them and ends them. It is for Linux.
//
// A launch is one process tree. Its root, the leader, is the process that Start
// made or Find found; it leads a session of its own. What belongs to the tree is
// told by five marks, because each of them can be shed and a process seldom
// sheds all:
//
//   - the launch token in the environment (BGTASK_TREE),
//   - the leader's session or process group,
//   - a parent that belongs to the tree,
//   - standard output or standard error on the files of the launch,
//   - having been seen in the tree before.
//
// A process that clears its environment, leaves the session, closes its output
// and loses its parent before anybody looked has escaped. Only a cgroup would
// hold it.
//
// Nothing ties a server to its broker: its output goes to files, its input is
// /dev/null, and no signal is set for its parent's death. Closing a Supervisor leaves
// every process running, for the next broker to find.
//
// Pids are used again, so none is trusted alone. A process is reached through a
// pidfd, opened first and compared with the start time after; a leader that is
// our child stays a zombie until its tree has ended, which keeps its number, and
// with it the numbers of its session and group, from being given away.
package process

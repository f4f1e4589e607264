// Package process starts class servers, finds them again after a restart of the broker,
// follows them and ends them. It needs Linux.
//
// A launch is one process tree. Its root, the leader, is the process that Start started
// or Find found; it leads its own session. Any of five marks shows that a process belongs
// to the tree. A process can lose each of them, but seldom loses all:
//
//   - the launch token in the environment (BGTASK_TREE),
//   - the leader's session or process group,
//   - a parent that belongs to the tree,
//   - standard output or standard error on the files of the launch,
//   - having been in the tree at an earlier look.
//
// A process that clears its environment, leaves the session, closes its output and loses
// its parent before the first look has escaped. Only a cgroup could hold it.
//
// Nothing ties a server to its broker: its output goes to files, its input is /dev/null,
// and no signal is set for its parent's death. Closing a Supervisor leaves every process
// running, for the next broker to find.
//
// The kernel reuses pids, so a pid alone is never trusted. A process is reached through a
// pidfd, which is opened first; then its start time is compared. A leader that is a child
// of this program stays a zombie until its tree has ended, so that its pid, which is also
// the number of its session and group, is not reused.
package process

//go:build linux

package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/task"
)

const tryAgain = 75 // EX_TEMPFAIL of sysexits.h

// run executes the command until its process group is empty. The listener, if
// any, is closed as soon as the command has it.
func run(ctx context.Context, a task.Activation, listener *os.File) task.Result {
	c := a.Spec.Command
	env, err := environment(os.Environ(), a)
	if err != nil {
		return task.Result{Outcome: task.Failed, Text: err.Error()}
	}
	// Orphans in the group become children of this process, so that it can wait for them.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return task.Result{Outcome: task.Failed, Text: "cannot become the subreaper: " + err.Error()}
	}
	syscall.Umask(int(c.Umask)) // process-wide, but this process runs nothing else
	errorText := stderrFrom(os.Stderr)
	cmd := &exec.Cmd{
		Path: c.Path, Args: append([]string{c.Path}, c.Args...), Dir: c.Dir, Env: env,
		Stdout: os.Stdout, Stderr: os.Stderr,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}
	if err := start(cmd, listener, a.Spec.Name); err != nil {
		return task.Result{Outcome: task.Failed, Text: "cannot start the command: " + cause(err)}
	}
	group := cmd.Process.Pid
	stop := context.AfterFunc(ctx, func() { _ = syscall.Kill(-group, syscall.SIGTERM) })
	_ = cmd.Wait() // the result follows from the process state
	stop()
	endGroup(group)
	return result(ctx, c, cmd.ProcessState, errorText)
}

func cause(err error) string {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return fmt.Sprintf("%s: %v", pathErr.Path, pathErr.Err)
	}
	return err.Error()
}

// result derives the result of the run from the end of the command.
func result(ctx context.Context, c *task.Command, state *os.ProcessState, errorText func() string) task.Result {
	r := task.Result{Exit: state.String()}
	status, ok := state.Sys().(syscall.WaitStatus)
	if ok && status.Exited() {
		r.Exit = fmt.Sprintf("exit %d", status.ExitStatus())
	} else if ok && status.Signaled() {
		r.Exit = "signal " + status.Signal().String()
	}
	if ctx.Err() != nil {
		r.Outcome = task.Canceled
		r.Reason, _ = errors.AsType[task.CancellationReason](context.Cause(ctx))
		return r
	}
	switch {
	case ok && status.Signaled():
		r.Outcome = task.Crashed
	case state.Success():
		r.Outcome = task.Completed
		return r
	case state.ExitCode() == tryAgain || c.Retry:
		r.Outcome = task.RetryAsked
	default:
		r.Outcome = task.Failed
	}
	r.Text = errorText()
	return r
}

// stderrFrom returns a function that returns the last lines written to the file
// since the call. If f is not a regular file, it returns "".
func stderrFrom(f *os.File) func() string {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return func() string { return "" }
	}
	return func() string {
		r, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
		if err != nil {
			return ""
		}
		defer func() { _ = r.Close() }()
		end, err := r.Stat()
		if err != nil {
			return ""
		}
		begin := max(info.Size(), end.Size()-task.MaxErrorText)
		b, _ := io.ReadAll(io.NewSectionReader(r, begin, end.Size()-begin))
		return lastLines(string(b), begin > info.Size())
	}
}

// lastLines removes the first line if its beginning is cut off.
func lastLines(s string, cut bool) string {
	if cut {
		if _, rest, ok := strings.Cut(s, "\n"); ok {
			s = rest
		}
	}
	return strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD"))
}

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

// run runs the command to the end of its process group. The listener, if there is
// one, is closed as soon as the command has it.
func run(ctx context.Context, a task.Activation, listener *os.File) task.Result {
	c := a.Spec.Command
	env, err := environment(os.Environ(), a)
	if err != nil {
		return task.Result{Outcome: task.Failed, Text: err.Error()}
	}
	// Whoever outlives its parent in the group becomes our child, to be waited for.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return task.Result{Outcome: task.Failed, Text: "becoming the reaper of orphans: " + err.Error()}
	}
	syscall.Umask(int(c.Umask)) // this process runs nothing else
	words := stderrFrom(os.Stderr)
	cmd := &exec.Cmd{
		Path: c.Path, Args: append([]string{c.Path}, c.Args...), Dir: c.Dir, Env: env,
		Stdout: os.Stdout, Stderr: os.Stderr,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}
	if err := start(cmd, listener, a.Spec.Name); err != nil {
		return task.Result{Outcome: task.Failed, Text: "the command cannot be started: " + cause(err)}
	}
	group := cmd.Process.Pid
	stop := context.AfterFunc(ctx, func() { syscall.Kill(-group, syscall.SIGTERM) })
	cmd.Wait() // its state says it all
	stop()
	endGroup(group)
	return result(ctx, c, cmd.ProcessState, words)
}

func cause(err error) string {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return fmt.Sprintf("%s: %v", pathErr.Path, pathErr.Err)
	}
	return err.Error()
}

// result says what the end of the command means.
func result(ctx context.Context, c *task.Command, state *os.ProcessState, words func() string) task.Result {
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
	r.Text = words()
	return r
}

// stderrFrom gives what is written to a file from now on, its last lines. Of
// what is no file nothing can be read again.
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
		defer r.Close()
		end, err := r.Stat()
		if err != nil {
			return ""
		}
		begin := max(info.Size(), end.Size()-task.MaxErrorText)
		b, _ := io.ReadAll(io.NewSectionReader(r, begin, end.Size()-begin))
		return lastLines(string(b), begin > info.Size())
	}
}

// lastLines drops a line whose beginning is cut off.
func lastLines(s string, cut bool) string {
	if cut {
		if _, rest, ok := strings.Cut(s, "\n"); ok {
			s = rest
		}
	}
	return strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD"))
}

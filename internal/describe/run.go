package describe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bgtask/bgtask/task"
)

// TimeLimit is how long a program has to describe itself.
const TimeLimit = 20 * time.Second

// mostRecords bounds what is read of a program.
const mostRecords = 4 << 20

// Run starts a program to describe itself. Its processes are ended when it has
// ended, or at the end of ctx, for which TimeLimit is a good limit: one that goes on
// with work of its own is so described too.
func Run(ctx context.Context, program string, args ...string) (*Description, error) {
	dir, err := os.MkdirTemp("", "bgtask-describe-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file, err := os.OpenFile(filepath.Join(dir, "records"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	said, ended := run(ctx, program, args, file.Name())
	data, err := io.ReadAll(io.LimitReader(file, mostRecords))
	if err != nil {
		return nil, err
	}
	d, err := parse(data)
	if err != nil {
		return nil, explain(ctx, program, err, ended, said)
	}
	return d, nil
}

// run gives the end of what the program printed, and how it ended.
func run(ctx context.Context, program string, args []string, file string) (said string, err error) {
	var out tail
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(without(os.Environ(), task.LaunchEnv, task.TreeEnv), Env+"="+file)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second // for what holds the output open
	ownGroup(cmd)
	cmd.Cancel = func() error { return endGroup(cmd) }
	err = cmd.Run()
	if cmd.Process != nil {
		endGroup(cmd) // what it has started
	}
	return out.String(), err
}

// without leaves variables out: a program that describes itself was not launched.
func without(env []string, names ...string) []string {
	return slices.DeleteFunc(env, func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(names, name)
	})
}

// explain says why a program described nothing.
func explain(ctx context.Context, program string, err, ended error, said string) error {
	e := &task.Error{Op: "describe", Subject: program, Err: task.ErrInvalid, Detail: err.Error(),
		Hint: "it has to register with the SDK of bgtask and to serve with Main or Serve when it is started without arguments; give others behind --"}
	switch {
	case ctx.Err() != nil:
		e.Detail += ", and did not end in time"
	case ended != nil && !errors.Is(ended, exec.ErrWaitDelay):
		e.Detail += ": " + ended.Error()
	}
	if said != "" {
		e.Detail += fmt.Sprintf("; it said: %s", said)
	}
	return e
}

// tail keeps the end of what is written.
type tail struct{ data []byte }

func (t *tail) Write(p []byte) (int, error) {
	const most = 1000
	t.data = append(t.data, p...)
	t.data = bytes.Clone(t.data[max(0, len(t.data)-most):])
	return len(p), nil
}

func (t *tail) String() string {
	return strings.ReplaceAll(strings.TrimSpace(strings.ToValidUTF8(string(t.data), "?")), "\n", "; ")
}

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

// TimeLimit is a suitable time limit for a program to describe itself.
const TimeLimit = 20 * time.Second

// mostRecords limits the bytes read from the file.
const mostRecords = 4 << 20

// Run starts a program to describe itself. When the program exits or ctx ends,
// all its processes are killed. A program that would keep running is described by
// what it did until then; TimeLimit is a suitable deadline for ctx.
func Run(ctx context.Context, program string, args ...string) (*Description, error) {
	dir, err := os.MkdirTemp("", "bgtask-describe-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file, err := os.OpenFile(filepath.Join(dir, "records"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
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

// run returns the end of the program's output, and its error.
func run(ctx context.Context, program string, args []string, file string) (said string, err error) {
	var out tail
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(without(os.Environ(), task.LaunchEnv, task.TreeEnv), Env+"="+file)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second // in case a child keeps the output open
	ownGroup(cmd)
	cmd.Cancel = func() error { return endGroup(cmd) }
	err = cmd.Run()
	if cmd.Process != nil {
		_ = endGroup(cmd) // children that are left; usually there are none
	}
	return out.String(), err
}

// without removes variables: a program that describes itself was not launched by
// a broker.
func without(env []string, names ...string) []string {
	return slices.DeleteFunc(env, func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(names, name)
	})
}

// explain returns the error for a program without any record.
func explain(ctx context.Context, program string, err, ended error, said string) error {
	e := &task.Error{Op: "describe", Subject: program, Err: task.ErrInvalid, Detail: err.Error(),
		Hint: "when started without arguments, it must register with bgtask's SDK and serve with Main or Serve; pass other arguments after --"}
	switch {
	case ctx.Err() != nil:
		e.Detail += ", and did not exit in time"
	case ended != nil && !errors.Is(ended, exec.ErrWaitDelay):
		e.Detail += ": " + ended.Error()
	}
	if said != "" {
		e.Detail += fmt.Sprintf("; output: %s", said)
	}
	return e
}

// tail keeps the end of what is written to it.
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

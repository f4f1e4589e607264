package packages

import (
	"context"
	"path/filepath"
	"time"

	"github.com/bgtask/bgtask/internal/declaration"
	program "github.com/bgtask/bgtask/internal/describe"
	"github.com/bgtask/bgtask/manifest"
	"github.com/bgtask/bgtask/task"
)

// compareClasses checks that the manifest in a package folder declares every class that
// the program in it registers or serves. The program must run on this machine.
func compareClasses(ctx context.Context, d *declaration.Declaration, dir string, m *manifest.Manifest, limit time.Duration) ([]manifest.Finding, error) {
	exe := filepath.Join(dir, filepath.FromSlash(d.ExecutableFor(declaration.Here())))
	described, err := describeServers(ctx, limit, exe, m)
	if err != nil {
		return nil, err
	}
	return m.CheckClasses(described.Registered(), described.Classes), nil
}

// describeServers starts a program without arguments and once as each class server.
// Together, these descriptions have all classes.
func describeServers(ctx context.Context, limit time.Duration, exe string, m *manifest.Manifest) (*program.Description, error) {
	exe, err := filepath.Abs(exe)
	if err != nil {
		return nil, err
	}
	var whole program.Description
	starts := [][]string{nil}
	for _, s := range m.Servers {
		if args := manifest.SplitArguments(s.Arguments); len(args) > 0 {
			starts = append(starts, args)
		}
	}
	var failed error
	for _, args := range starts {
		d, err := describeProgram(ctx, limit, exe, args)
		if err != nil {
			failed = err // one description is enough
			continue
		}
		whole.Join(d)
	}
	if len(whole.Tasks) == 0 && len(whole.Classes) == 0 {
		return nil, &task.Error{Op: "check the classes", Err: failed, Detail: failed.Error(), Hint: "--no-run skips this check; " + task.Hint(failed)}
	}
	return &whole, nil
}

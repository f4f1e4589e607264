package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/internal/setup"
	"github.com/bgtask/bgtask/task"
)

const setupHelp = `Install the broker as a service of yours, so that it starts when you log in:
systemd user units, the D-Bus activation file, and completions for bash, zsh
and fish. Everything comes from this binary, goes into your home directory and
needs no root. Running it again changes nothing.

Files that you edited are neither overwritten nor removed. Where a distribution
package has installed the units, those are used, and no copy is written.

--remove ends the broker and removes what setup wrote. Your tasks, their history
and the configuration stay.`

func newSetup(a *app) *cobra.Command {
	var remove, dryRun bool
	c := &cobra.Command{
		Use:   "setup",
		Short: "Install the broker as a service that starts at login",
		Long:  setupHelp,
		Args:  verb.Exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			var steps []setup.Step
			s, err := a.newSetup(c.Root(), dryRun, func(step setup.Step) {
				steps = append(steps, step)
				a.printStep(step, dryRun)
			})
			if err != nil {
				return err
			}
			act := s.Install
			if remove {
				act = s.Remove
			}
			if err := act(c.Context()); err != nil {
				return err
			}
			if a.JSON {
				a.Object(term.Member("steps", term.ListOf(steps)), term.Member("dry_run", dryRun))
				return nil
			}
			a.printRemaining(remove, dryRun)
			return nil
		},
	}
	c.Flags().BoolVar(&remove, "remove", false, "remove what setup installed")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "print the steps, and take none")
	return c
}

func (a *app) newSetup(root *cobra.Command, dryRun bool, report func(setup.Step)) (*setup.Setup, error) {
	binary, err := setup.Binary()
	if err != nil {
		return nil, err
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, fmt.Errorf("setup: %w", err)
	}
	return &setup.Setup{
		Binary: binary, DryRun: dryRun, Report: report, Root: "/",
		Config: directory("XDG_CONFIG_HOME", filepath.Join(home, ".config")),
		Data:   directory("XDG_DATA_HOME", filepath.Join(home, ".local/share")),
		Completion: func(shell string, w io.Writer) error {
			return completion(root, shell, w)
		},
		StopBroker: func(ctx context.Context) error {
			if err := a.stop(ctx, 0); !errors.Is(err, task.ErrUnavailable) {
				return err
			}
			return nil
		},
	}, nil
}

func directory(variable, otherwise string) string {
	if dir := os.Getenv(variable); filepath.IsAbs(dir) {
		return dir
	}
	return otherwise
}

func completion(root *cobra.Command, shell string, w io.Writer) error {
	switch shell {
	case "bash":
		return root.GenBashCompletionV2(w, true)
	case "zsh":
		return root.GenZshCompletion(w)
	case "fish":
		return root.GenFishCompletion(w, true)
	}
	return fmt.Errorf("there is no completion for %s", shell)
}

// done is how a step reads when it was taken.
var done = map[string]string{"write": "wrote", "replace": "replaced", "keep": "kept", "remove": "removed", "run": "ran", "stop": "stopped"}

func (a *app) printStep(step setup.Step, dryRun bool) {
	if a.JSON {
		return
	}
	action := done[step.Action]
	if dryRun {
		action = "would " + step.Action
	}
	line := fmt.Sprintf("%-13s %s", action, step.What)
	if step.Why != "" {
		line += ": " + step.Why
	}
	a.Printf("%s\n", term.Clean(line))
}

// printRemaining says what setup cannot do itself.
func (a *app) printRemaining(remove, dryRun bool) {
	switch {
	case dryRun:
		return
	case remove:
		a.Printf("\nYour tasks, their history and the configuration are still there.\n")
		return
	}
	a.Printf("\nThe broker starts when you log in, and at the first call.\n")
	if u, err := user.Current(); err == nil {
		if _, err := os.Stat(filepath.Join("/var/lib/systemd/linger", u.Username)); err != nil {
			a.Printf("To run tasks while you are logged out: loginctl enable-linger\n")
		}
	}
	if strings.HasSuffix(os.Getenv("SHELL"), "/zsh") {
		a.Printf("For zsh, add this to ~/.zshrc before compinit: fpath+=(%s)\n", directory("XDG_DATA_HOME", "~/.local/share")+"/zsh/site-functions")
	}
}

package main

import (
	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/internal/command"
)

// serveCommands is the verb that the broker launches for command tasks.
const serveCommands = "serve-commands"

// newExecWithListener is the verb that becomes a command that a socket started. It is
// internal.
func newExecWithListener() *cobra.Command {
	return &cobra.Command{
		Use:                command.ExecVerb,
		Short:              "Become a command with a listening socket (internal)",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error {
			return command.Exec(args)
		},
	}
}

// newServeCommands is the verb that serves one run of a command task. It is internal.
func newServeCommands() *cobra.Command {
	return &cobra.Command{
		Use:    serveCommands,
		Short:  "Serve the command tasks (internal)",
		Hidden: true,
		Args:   verb.Exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return command.Serve(c.Context())
		},
	}
}

package main

import (
	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/internal/command"
)

// serveCommands is the verb that the broker launches for command tasks.
const serveCommands = "serve-commands"

// newExecWithListener becomes a command that a socket started. People have no use
// for it.
func newExecWithListener() *cobra.Command {
	return &cobra.Command{
		Use:                command.ExecVerb,
		Short:              "Become a command with a listener; the server of command tasks starts it",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error {
			return command.Exec(args)
		},
	}
}

// newServeCommands serves one run of a command task. People have no use for it.
func newServeCommands() *cobra.Command {
	return &cobra.Command{
		Use:    serveCommands,
		Short:  "Serve the command tasks; the broker launches it",
		Hidden: true,
		Args:   verb.Exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return command.Serve(c.Context())
		},
	}
}

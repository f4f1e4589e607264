package main

import "github.com/spf13/cobra"

// withBroker adds to the verbs that ask a broker those that are one, or bring
// their own.
func withBroker(a *app, verbs ...*cobra.Command) []*cobra.Command {
	return append(verbs, newDaemon(a), newDemo(a), newServeCommands(), newExecWithListener())
}

package main

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/examples/primes"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/internal/demo"
)

func newDemo(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Take a 20-second tour in a temporary directory",
		Args:  verb.Exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			exe, err := os.Executable()
			if err != nil {
				return err
			}
			return demo.Run(c.Context(), demo.Options{Binary: exe, Out: a.Stdout, Terminal: a.Screen.Terminal})
		},
	}
}

// asSample runs the sample application if the demo started this binary under its name,
// and returns its exit code.
func asSample() (code int, yes bool) {
	if filepath.Base(os.Args[0]) != demo.AppName {
		return 0, false
	}
	return primes.Main(os.Args[1:]), true
}

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
		Short: "Tell the whole story in twenty seconds, in a temporary folder",
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

// asSample says whether the demo has started this binary as its sample
// application, and is it then.
func asSample() (code int, yes bool) {
	if filepath.Base(os.Args[0]) != demo.AppName {
		return 0, false
	}
	return primes.Main(os.Args[1:]), true
}

package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
)

// release is set by the linker: -X main.release=1.0.0.
var release string

// version returns the version of the release, or what the Go build recorded.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program",
		Args:  verb.Exactly(0),
		RunE: func(*cobra.Command, []string) error {
			if a.JSON {
				a.Object(term.Member("bgtask", version()), term.Member("go", runtime.Version()), term.Member("os", runtime.GOOS), term.Member("arch", runtime.GOARCH))
				return nil
			}
			a.Printf("bgtask %s (%s, %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}

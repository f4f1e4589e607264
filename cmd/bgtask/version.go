package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// release is set by the linker: -X main.release=1.0.0.
var release string

// version is that of the release, else what the build knows of itself.
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
		Short: "The version of this program",
		Args:  exactly(0),
		RunE: func(*cobra.Command, []string) error {
			if a.json {
				a.object(member{"bgtask", version()}, member{"go", runtime.Version()}, member{"os", runtime.GOOS}, member{"arch", runtime.GOARCH})
				return nil
			}
			a.printf("bgtask %s (%s, %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}

// Package packages has the verbs that install packages and decide which of them may run
// (packages, install, uninstall, trust, access), and those that make packages (manifest,
// package).
package packages

import (
	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/verb"
)

// Verbs returns the verbs for installed packages.
func Verbs(e *verb.Env) []*cobra.Command {
	a := &app{e}
	return []*cobra.Command{newPackages(a), newInstall(a), newUninstall(a), newTrust(a), newAccess(a)}
}

// Making returns the verbs that make and check packages. They work without a broker.
func Making(e *verb.Env) []*cobra.Command {
	a := &app{e}
	return []*cobra.Command{newManifest(a), newPackage(a)}
}

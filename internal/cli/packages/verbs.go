// Package packages has the verbs that install packages and say which may run
// (packages, install, uninstall, trust, access), and those that make them (manifest,
// package).
package packages

import (
	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/verb"
)

// app is what the verbs of this package share.
type app struct{ *verb.Env }

// Verbs are the verbs of this room that ask the broker, and trust.
func Verbs(e *verb.Env) []*cobra.Command {
	a := &app{e}
	return []*cobra.Command{newPackages(a), newInstall(a), newUninstall(a), newTrust(a), newAccess(a)}
}

// Making make and check packages; they ask no broker.
func Making(e *verb.Env) []*cobra.Command {
	a := &app{e}
	return []*cobra.Command{newManifest(a), newPackage(a)}
}

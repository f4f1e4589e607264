package platform

import (
	"log/slog"
	"runtime/debug"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/task"
)

// Dial returns the user's broker behind its socket; an empty socket is the default
// one. It does not connect: the first request does.
func Dial(pkg, socket string, logger *slog.Logger) (client.Broker, error) {
	return &client.Client{Package: pkg, Socket: socket, Version: version(), Logger: logger}, nil
}

// version returns the version of this module that is linked into the program, or ""
// if the build information does not record one. The broker only displays it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == "github.com/bgtask/bgtask" {
			return m.Version
		}
	}
	return ""
}

// Validate checks a registration against the broker's rules and the given ones, and
// returns all faults joined.
func Validate(s task.Spec, rules ...task.Rule) error { return s.Validate(rules...) }

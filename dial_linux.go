package bgtask

import (
	"runtime/debug"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/task"
)

// dial is the platform's broker: here our own, behind its socket.
func dial(c *Client) (client.Broker, error) {
	return &client.Client{Package: c.Package, Socket: c.Socket, Version: version(), Logger: c.Logger}, nil
}

// version is that of this module in the program.
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

func validate(s task.Spec, rules ...Rule) error { return s.Validate(rules...) }

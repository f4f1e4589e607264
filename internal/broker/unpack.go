//go:build linux

package broker

import (
	"context"

	"github.com/bgtask/bgtask/internal/wire"
)

func (b *broker) installFile(ctx context.Context, path string, r wire.InstallRequest) (wire.Installed, error) {
	return wire.Installed{}, notInstalled(path, "package files cannot be installed yet", "unpack it, and install the folder with its AppxManifest.xml")
}

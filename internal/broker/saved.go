//go:build linux

package broker

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"github.com/bgtask/bgtask/internal/broker/rpc"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/process"
)

// newSupervisor returns the supervisor of the processes that are launched from a state
// directory.
func newSupervisor(stateDir string, log *slog.Logger) (*process.Supervisor, error) {
	id, err := stateID(filepath.Join(stateDir, "id"))
	if err != nil {
		return nil, startError(stateDir, err, "")
	}
	return process.New(process.Options{StateID: id, OutputDir: filepath.Join(stateDir, "output"), Logger: log})
}

// stateID returns the id of a state directory, which never changes: every process that is
// launched from it carries the id.
func stateID(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err == nil && len(data) > 0 {
		return strings.TrimSpace(string(data)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	id := rand.Text()
	return id, renameio.WriteFile(path, []byte(id+"\n"), 0o600)
}

// savedZones loads the time zones that stored calendars name. A zone that no longer exists
// is logged, and its tasks wait for it.
func savedZones(saved engine.State, log *slog.Logger) map[string]*time.Location {
	zones := make(map[string]*time.Location)
	for _, r := range saved.Registrations {
		name := rpc.ZoneName(r.Spec.Trigger)
		if name == "" || zones[name] != nil {
			continue
		}
		zone, err := rpc.Zone(r.Spec)
		if err != nil {
			log.Error("this machine no longer has a task's time zone", "task", r.Package+"/"+r.Spec.Name, "zone", name)
			continue
		}
		zones[name] = zone
	}
	return zones
}

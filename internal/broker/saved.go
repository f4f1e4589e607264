//go:build linux

package broker

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/internal/broker/rpc"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/process"
)

// newSupervisor returns the supervisor of the processes that are launched from a state
// directory.
func newSupervisor(stateDir string, log *slog.Logger) (*process.Supervisor, error) {
	id, err := stateID(stateDir)
	if err != nil {
		return nil, startError(stateDir, err, "")
	}
	return process.New(process.Options{StateID: id, OutputDir: filepath.Join(stateDir, "output"), Logger: log})
}

// stateID returns the id of the state directory dir. Every process that is launched from
// the directory carries the id, and a later broker recognizes its processes by it. The
// file with the id records the device and inode of its directory, so that a copy of the
// directory gets another id and leaves the processes of the original alone.
func stateID(dir string) (string, error) {
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return "", &fs.PathError{Op: "stat", Path: dir, Err: err}
	}
	inode := fmt.Sprintf("%d:%d", st.Dev, st.Ino)
	path := filepath.Join(dir, "id")
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if id, of, _ := strings.Cut(strings.TrimSpace(string(data)), " "); id != "" && of == inode {
		return id, nil
	}
	id := rand.Text()
	return id, renameio.WriteFile(path, []byte(id+" "+inode+"\n"), 0o600)
}

// savedZones loads the time zones that stored calendars name. A zone that no longer exists
// is logged, and its tasks wait for it.
func savedZones(saved engine.State, log *slog.Logger) map[string]*time.Location {
	zones := make(map[string]*time.Location)
	for _, r := range saved.Registrations {
		_, name := rpc.Calendar(r.Spec.Trigger)
		if name == "" || zones[name] != nil {
			continue
		}
		zone, err := rpc.Zone(r.Spec.Name, name)
		if err != nil {
			log.Error("this machine no longer has a task's time zone", "task", r.Package+"/"+r.Spec.Name, "zone", name)
			continue
		}
		zones[name] = zone
	}
	return zones
}

package broker

import (
	"context"
	"os"
	"os/user"
	"path/filepath"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// GetStatus tells of the broker itself.
func (s *service) GetStatus(ctx context.Context, _ *pb.GetStatusRequest) (*pb.GetStatusResponse, error) {
	b := s.broker
	if _, err := b.who(ctx); err != nil {
		return nil, err
	}
	status := task.Status{
		Version: b.cfg.Version, PID: os.Getpid(), Started: b.started, StartedBy: b.cfg.StartedBy, Socket: b.cfg.Socket, StateDir: b.cfg.StateDir,
		StoreSize: storeSize(b.cfg.StateDir), Hosts: len(b.hosts.all()), Policy: b.settings.policy(), Checks: append(b.checks(), b.watches.checks(ctx)...),
	}
	err := b.query(ctx, func(now engine.Instant) {
		for _, t := range b.engine.Tasks(now, engine.Filter{All: true}) {
			status.Tasks++
			if t.State.Run != nil {
				status.LiveRuns++
			}
		}
	})
	return &pb.GetStatusResponse{Status: wire.StatusTo(status)}, err
}

func storeSize(dir string) (size int64) {
	for _, name := range []string{"store.db", "store.db-wal"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			size += info.Size()
		}
	}
	return size
}

// checks are what only the broker knows for "bgtask doctor".
func (b *broker) checks() []task.Check {
	return []task.Check{lingerCheck(), b.startCheck()}
}

func lingerCheck() task.Check {
	c := task.Check{Subject: "linger", Text: "tasks run also while you are logged out"}
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		c.Text = "there is no systemd here: the broker runs for as long as nobody ends it"
		return c
	}
	u, err := user.Current()
	if err != nil {
		return task.Check{Level: task.CheckWarn, Subject: "linger", Text: "it is not known who you are: " + err.Error()}
	}
	if _, err := os.Stat("/var/lib/systemd/linger/" + u.Username); err != nil {
		c = task.Check{Level: task.CheckWarn, Subject: "linger", Text: "tasks stop when you log out.", Fix: "loginctl enable-linger " + u.Username}
	}
	return c
}

func (b *broker) startCheck() task.Check {
	if len(b.startWarning()) > 0 {
		return task.Check{Level: task.CheckWarn, Subject: "start", Text: "nothing starts the broker at your next login.", Fix: "systemctl --user enable --now bgtask.socket"}
	}
	return task.Check{Subject: "start", Text: "the broker is started at login"}
}

// startWarning is for those who register: it says when nothing will start a
// broker at the next login.
func (b *broker) startWarning() []string {
	if starts(unitDirs()) {
		return nil
	}
	return []string{"nothing starts the broker at your next login: systemctl --user enable --now bgtask.socket"}
}

// unitDirs are where the user's service manager finds what it starts by itself.
func unitDirs() []string {
	dirs := []string{"/etc/systemd/user", "/usr/lib/systemd/user"}
	if config, err := home("XDG_CONFIG_HOME", ".config", "systemd/user"); err == nil {
		dirs = append(dirs, config)
	}
	return dirs
}

func starts(unitDirs []string) bool {
	for _, dir := range unitDirs {
		for _, link := range []string{"sockets.target.wants/bgtask.socket", "default.target.wants/bgtask.service"} {
			if _, err := os.Lstat(filepath.Join(dir, link)); err == nil {
				return true
			}
		}
	}
	return false
}

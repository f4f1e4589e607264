//go:build linux

package systemd

import (
	"context"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// The states that a service reports. See sd_notify(3).
const (
	Ready    = daemon.SdNotifyReady
	Stopping = daemon.SdNotifyStopping
)

// Service is this process as a service of the manager that started it. Without
// such a manager its methods do nothing.
type Service struct{ log *slog.Logger }

// NewService returns the Service of this process. What the manager does not accept
// is logged to log.
func NewService(log *slog.Logger) *Service { return &Service{log} }

// Notify reports a state to the service manager.
func (s *Service) Notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.log.Warn("cannot notify the service manager", "state", state, "err", err)
	}
}

// FeedWatchdog reports to the service manager's watchdog, until ctx ends, each time
// alive returns nil. It returns immediately when the manager has no watchdog for
// this service.
func (s *Service) FeedWatchdog(ctx context.Context, alive func(context.Context) error) {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil || every == 0 {
		return
	}
	beat := time.NewTicker(every / 3)
	defer beat.Stop()
	for {
		select {
		case <-beat.C:
			if alive(ctx) == nil {
				s.Notify(daemon.SdNotifyWatchdog)
			}
		case <-ctx.Done():
			return
		}
	}
}

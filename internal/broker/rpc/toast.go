//go:build linux

package rpc

import (
	"cmp"
	"context"

	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// ShowToast shows a toast of the caller's package. A toast with actions needs a task that
// takes the user's answer.
func (s *service) ShowToast(ctx context.Context, m *pb.ShowToastRequest) (*pb.ShowToastResponse, error) {
	r, c, err := request(ctx, s, m, wire.ShowToastRequestFrom)
	if err != nil {
		return nil, err
	}
	family, err := c.scope(cmp.Or(r.Package, c.Family))
	if err != nil {
		return nil, err
	}
	takers, err := s.Watches.ToastTakers(ctx, family, r.Toast.Tag)
	if err != nil {
		return nil, err
	}
	if r.Toast.Acts() && len(takers) == 0 {
		return nil, &task.Error{Subject: family, Err: task.ErrNotRegistered, Detail: "the toast has actions, but no task of the package has a ToastNotificationActionTrigger for it",
			Hint: "register one first; for a command: bgtask add NAME --on toast -- COMMAND"}
	}
	shown, err := s.Watches.Toasts().Show(ctx, family, s.displayName(ctx, family), r.Toast, len(takers) > 0)
	return &pb.ShowToastResponse{Id: shown.ID, Warnings: shown.Warnings}, err
}

// HideToast removes a toast of the caller's package.
func (s *service) HideToast(ctx context.Context, m *pb.HideToastRequest) (*pb.HideToastResponse, error) {
	c, err := s.caller(ctx)
	if err != nil {
		return nil, err
	}
	family, err := c.scope("")
	if err != nil {
		return nil, err
	}
	return &pb.HideToastResponse{}, s.Watches.Toasts().Hide(ctx, family, m.GetId())
}

// displayName returns the name of a package as the user knows it.
func (s *service) displayName(ctx context.Context, family string) string {
	if family == task.CommandPackage {
		return "bgtask"
	}
	all, err := s.Loop.Packages(ctx)
	if err != nil {
		return family
	}
	for _, p := range all {
		if p.Family == family {
			return cmp.Or(p.DisplayName, p.Name, family)
		}
	}
	return family
}

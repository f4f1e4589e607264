package main

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// fake is a broker with fixed answers. What it is asked for is in asked.
type fake struct {
	client.Broker // what no verb asks for panics

	status     task.Status
	tasks      []task.Info
	why        task.Explanation
	facts      []task.Fact
	simulation task.Simulation
	sources    []task.SourceState
	packages   []task.Package
	history    []task.Event
	watched    []task.Event // before a Fire
	after      []task.Event // after it
	output     []task.Output
	number     uint64
	done       wire.Registered
	err        error // of all
	refused    error // of Register

	lacks     []string           // warnings of ShowToast
	spec      task.Spec          // that was registered
	simulated wire.SimulateQuery // that was asked for
	asked     []string
}

func (f *fake) ask(words ...string) error {
	f.asked = append(f.asked, strings.Join(words, " "))
	return f.err
}

func (f *fake) Close() error { return nil }

func (f *fake) Tasks(_ context.Context, q wire.TaskQuery) ([]task.Info, error) {
	if !q.AllGroups {
		panic("the command line sees tasks of all groups")
	}
	return f.tasks, f.err
}

func (f *fake) Task(_ context.Context, id task.GUID) (task.Info, error) {
	for _, info := range f.tasks {
		if info.TaskID == id && f.spec.Name == "" {
			return info, f.err
		}
	}
	return task.Info{TaskID: id, Package: task.CommandPackage, Spec: f.spec, State: task.State{Next: at("20:47:13"), NextKnown: task.Timed(f.spec.Trigger)}}, f.err
}

func (f *fake) Why(context.Context, task.GUID) (task.Explanation, error) { return f.why, f.err }

func (f *fake) Simulate(_ context.Context, q wire.SimulateQuery) (task.Simulation, error) {
	f.simulated = q
	return f.simulation, f.err
}

func (f *fake) Facts(context.Context) ([]task.Fact, []task.SourceState, error) {
	return f.facts, f.sources, f.err
}

func (f *fake) Packages(context.Context) ([]task.Package, error) { return f.packages, f.err }
func (f *fake) ShowToast(_ context.Context, t task.Toast, pkg string) (task.ToastShown, error) {
	return task.ToastShown{ID: 7, Warnings: f.lacks}, f.ask("toast", pkg, fmt.Sprintf("%+v", t))
}

func (f *fake) PushChannel(_ context.Context, id task.GUID) (task.PushChannel, error) {
	return task.PushChannel{Endpoint: "https://push.example/up?token=1", Distributor: "org.unifiedpush.Distributor.kde"}, f.ask("push", id.String())
}

func (f *fake) HideToast(_ context.Context, id uint32) error { return f.ask("hide", fmt.Sprint(id)) }

func (f *fake) Status(context.Context) (task.Status, error) { return f.status, f.err }

func (f *fake) History(_ context.Context, q wire.HistoryQuery) iter.Seq2[task.Event, error] {
	return f.events(f.history, nil)
}

func (f *fake) Watch(_ context.Context, q wire.WatchQuery) iter.Seq2[task.Event, error] {
	return f.events(f.watched, f.after)
}

func (f *fake) events(lists ...[]task.Event) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) {
		if f.err != nil {
			yield(task.Event{}, f.err)
			return
		}
		for _, list := range lists {
			for _, ev := range list {
				if !yield(ev, nil) {
					return
				}
			}
		}
	}
}

func (f *fake) Logs(context.Context, wire.LogsQuery) iter.Seq2[task.Output, error] {
	return func(yield func(task.Output, error) bool) {
		for _, o := range f.output {
			if !yield(o, f.err) {
				return
			}
		}
	}
}

func (f *fake) Register(_ context.Context, spec task.Spec, how client.Registering) (wire.Registered, error) {
	f.spec = spec
	if how.Package != task.CommandPackage || how.Ensure == how.Unique {
		panic("a command is added, or replaced, in its package")
	}
	return f.done, cmp.Or(f.refused, f.ask("register", spec.Name))
}

func (f *fake) Unregister(_ context.Context, id task.GUID, cancel bool) error {
	return f.ask("unregister", id.String()[:8], yesNo(cancel))
}

func (f *fake) Fire(_ context.Context, id task.GUID, how client.Firing) (uint64, error) {
	return f.number, f.ask("fire", id.String()[:8], string(how.Arguments), yesNo(how.Now), yesNo(how.ByHand))
}

func (f *fake) Raise(_ context.Context, event string, payload []byte) ([]string, error) {
	return []string{"notes_8z2hq4k1ycxxt/SyncNotes"}, f.ask("raise", event, string(payload))
}

func (f *fake) Cancel(_ context.Context, id task.GUID, reason task.CancellationReason, kill bool) error {
	return f.ask("cancel", id.String()[:8], reason.String(), yesNo(kill))
}

func (f *fake) Resume(_ context.Context, id task.GUID) error { return f.ask("resume", id.String()[:8]) }

func (f *fake) Stop(_ context.Context, within time.Duration) error {
	return f.ask("stop", within.String())
}

func (f *fake) Install(_ context.Context, path string, how client.Installing) (wire.Installed, error) {
	return wire.Installed{Package: f.packages[0], Change: wire.Added}, f.ask("install", path, yesNo(how.Unsigned), yesNo(how.Downgrade))
}

func (f *fake) Uninstall(_ context.Context, family string, keep bool) error {
	return f.ask("uninstall", family, yesNo(keep))
}

func (f *fake) SetAccess(_ context.Context, family string, access task.AccessStatus) error {
	return f.ask("access", family, access.String())
}

func (f *fake) OverrideFact(_ context.Context, name string, value task.Value, lasts time.Duration) error {
	return f.ask("override", name, value.String(), lasts.String())
}

func (f *fake) ClearOverride(_ context.Context, name string) error { return f.ask("clear", name) }

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

//go:build linux

package broker

import (
	"fmt"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// Publish implements loop.Performer: it hands committed events to the rooms and to
// subscribers.
func (b *broker) Publish(events []task.Event) {
	for _, ev := range events {
		switch ev.Kind {
		case task.EventPackage:
			b.packages.Committed()
		case task.EventOccurrence:
			b.watches.Over(ev.TaskID, b.engine)
		}
		b.logEvent(ev)
	}
	b.hub.Publish(events)
}

// Perform implements loop.Performer: it gives an action to the room that does it.
func (b *broker) Perform(action engine.Action) {
	switch a := action.(type) {
	case engine.Reply:
		b.loop.Reply(a.Request, a.Answer)
	case engine.Activate:
		b.hosts.Send(a.Host, wire.Activate{Activation: b.activation(a.Activation)})
	case engine.CancelRun:
		b.hosts.Send(a.Host, wire.CancelRun{Instance: a.Instance, Reason: a.Reason})
	case engine.Acknowledge:
		b.hosts.Send(a.Host, wire.Acknowledge{Instance: a.Instance})
	case engine.ConfirmLeave:
		b.hosts.Send(a.Host, wire.LeaveConfirmed{})
	case engine.Stay:
		b.hosts.Send(a.Host, wire.Stay{})
	case engine.DropHost:
		b.hosts.Drop(a.Host, wire.Drop{Text: a.Text})
	case engine.StartServer:
		b.launches.Start(a)
	case engine.FindProcess:
		b.launches.Find(a)
	case engine.Signal:
		b.launches.Signal(a)
	case engine.Watch:
		b.watches.Watch(a.TaskID, a.Trigger)
	case engine.Unwatch:
		b.watches.Unwatch(a.TaskID)
	case engine.RemoveFolders:
		b.packages.Remove(a.Package, a.KeepData)
	default:
		panic(fmt.Sprintf("broker: unknown action %T", action)) // the set is sealed
	}
}

// activation returns what the host gets. Command tasks have no installed package, so the
// engine does not know their folder.
func (b *broker) activation(a task.Activation) task.Activation {
	if a.Folder == "" {
		a.Folder = b.packages.LocalFolder(a.Package)
	}
	return a
}

// logEvent logs the events that matter. Events contain no arguments, payloads or
// environment.
func (b *broker) logEvent(ev task.Event) {
	switch ev.Kind {
	case task.EventEnded:
		b.log.Info("run ended", "task", ev.Package+"/"+ev.Name, "instance", ev.Run.ID, "occurrence", ev.Run.Occurrence.Number,
			"attempt", ev.Run.Attempt, "outcome", ev.Run.Outcome.String(), "reason", reasonOf(ev.Run), "exit", ev.Run.Exit)
	case task.EventPackage, task.EventClock:
		b.log.Info(ev.Kind.String(), "package", ev.Package, "what", ev.Text)
	case task.EventRegistered, task.EventUnregistered:
		b.log.Info("task "+ev.Kind.String(), "task", ev.Package+"/"+ev.Name, "id", ev.TaskID)
	}
}

func reasonOf(r *task.Run) string {
	if r.Outcome == task.Canceled || r.Outcome == task.TimedOut {
		return r.Reason.String()
	}
	return ""
}

//go:build linux

package broker

import (
	"fmt"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// tell hands what is durable to those who watch.
func (b *broker) tell(events []task.Event) {
	for _, ev := range events {
		switch ev.Kind {
		case task.EventPackage:
			b.directory.changed()
			b.sweeper.hint()
		case task.EventOccurrence:
			b.watches.over(ev.TaskID)
		}
		b.logEvent(ev)
	}
	b.hub.tell(events)
}

// perform does one action. It is called by the loop and waits for nobody.
func (b *broker) perform(action engine.Action) {
	switch a := action.(type) {
	case engine.Reply:
		b.requests.reply(a.Request, a.Answer)
	case engine.Activate:
		b.hosts.send(a.Host, wire.Activate{Activation: b.activation(a.Activation)})
	case engine.CancelRun:
		b.hosts.send(a.Host, wire.CancelRun{Instance: a.Instance, Reason: a.Reason})
	case engine.Acknowledge:
		b.hosts.send(a.Host, wire.Acknowledge{Instance: a.Instance})
	case engine.ConfirmLeave:
		b.hosts.send(a.Host, wire.LeaveConfirmed{})
	case engine.Stay:
		b.hosts.send(a.Host, wire.Stay{})
	case engine.DropHost:
		b.hosts.drop(a.Host, wire.Drop{Text: a.Text})
	case engine.StartServer:
		b.processes.start(a)
	case engine.FindProcess:
		b.processes.find(a)
	case engine.Signal:
		b.processes.signal(a)
	case engine.Watch:
		b.watches.watch(a.TaskID, a.Trigger)
	case engine.Unwatch:
		b.watches.unwatch(a.TaskID)
	case engine.RemoveFolders:
		b.removeFolders(a.Package, a.KeepData)
	default:
		panic(fmt.Sprintf("broker: %T is not an action that it knows", action)) // the set is sealed
	}
}

// activation is what the host is told. Command tasks have no package that was
// installed, so nobody but the shell knows their folder.
func (b *broker) activation(a engine.Activation) task.Activation {
	t := task.Activation{
		Instance: a.Instance, TaskID: a.TaskID, Package: a.Package, CLSID: a.CLSID, Spec: a.Spec, Registered: a.Registered,
		Occurrence: a.Occurrence, Attempt: a.Attempt, Details: a.Details, Checkpoint: (*task.Checkpoint)(a.Checkpoint), Folder: a.Folder,
	}
	if t.Folder == "" {
		t.Folder = b.localFolder(t.Package)
	}
	return t
}

// logEvent writes what is worth a line in the broker's log. Arguments, payloads
// and the environment are in no event.
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

// What the engine shows of hosts and launches, for doctor and for simulation.

package engine

import (
	"slices"
	"time"

	"github.com/bgtask/bgtask/task"
)

// HostView is a host as the outside sees it.
type HostView struct {
	ID      HostID
	Package string
	Token   task.LaunchToken // zero: the user started it
	State   HostState
	Runs    []RunView
}

// RunView is a live run in a host.
type RunView struct {
	ID      task.GUID
	TaskID  task.GUID
	Class   task.GUID
	State   RunState
	Entered time.Time // zero: it has not entered Run
}

// LaunchView is a launch that is not over.
type LaunchView struct {
	Token   task.LaunchToken
	Package string
	Server  task.ClassServer
	State   ServerState
	Process task.Process
	Wanted  []task.GUID // the classes that runs wait for
}

// Hosts returns all hosts, in the order in which they attached.
func (e *Engine) Hosts() []HostView {
	all := make([]*host, 0, len(e.hosts))
	for _, h := range e.hosts {
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b *host) int { return compare(a.order, b.order) })
	views := make([]HostView, 0, len(all))
	for _, h := range all {
		v := HostView{ID: h.id, Package: h.pack.Family, Token: h.token, State: h.state}
		for _, u := range h.runs {
			v.Runs = append(v.Runs, RunView{ID: u.ID, TaskID: u.TaskID, Class: u.reg.Spec.EntryPoint, State: u.State, Entered: u.Entered})
		}
		views = append(views, v)
	}
	return views
}

// Launches returns the launches that are not over, ordered by token.
func (e *Engine) Launches() []LaunchView {
	views := make([]LaunchView, 0, len(e.launches))
	for _, token := range sortedTokens(e.launches) {
		views = append(views, e.launchView(e.launches[token]))
	}
	return views
}

// Launch returns the launch with the token. It returns false if the launch is over.
func (e *Engine) Launch(token task.LaunchToken) (LaunchView, bool) {
	l := e.launches[token]
	if l == nil {
		return LaunchView{}, false
	}
	return e.launchView(l), true
}

func (e *Engine) launchView(l *launch) LaunchView {
	v := LaunchView{Token: l.Token, Package: l.Package, Server: l.Server, State: l.State, Process: l.Process}
	for _, u := range e.waiters(l) {
		if !slices.Contains(v.Wanted, u.reg.Spec.EntryPoint) {
			v.Wanted = append(v.Wanted, u.reg.Spec.EntryPoint)
		}
	}
	return v
}

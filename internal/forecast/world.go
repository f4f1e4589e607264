// The made-up world: it performs what the engine asks for, as the package comment
// describes. Where reality is uncertain, this file takes the good case: processes come
// up, connections are back, runs complete.

package forecast

import (
	"container/heap"
	"maps"
	"slices"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// perform performs an action of the engine.
func (f *forecast) perform(a engine.Action) {
	switch a := a.(type) {
	case engine.Notify:
		f.book.note(a.Event)
	case engine.StartServer:
		f.launched(a.Token)
	case engine.Activate:
		f.deliver(engine.Accepted{Host: a.Host, Instance: a.Activation.Instance})
		f.ends.add(f.now.Boot+f.lasts(a.Activation.TaskID).each, a.Host, a.Activation.Instance)
	case engine.CancelRun:
		f.ends.drop(a.Instance)
		f.deliver(engine.Finished{Host: a.Host, Instance: a.Instance, Result: task.Result{Outcome: task.Canceled, Reason: a.Reason}})
	case engine.Signal:
		f.exited(a.Process, a.Token)
	case engine.RemoveFolders:
		f.deliver(engine.FoldersRemoved{Package: a.Package.Family})
	}
}

// launched brings up the class server of a launch, with the classes that runs wait for
// first.
func (f *forecast) launched(token task.LaunchToken) {
	l, ok := f.e.Launch(token)
	if !ok {
		return
	}
	process := l.Process
	if process.IsZero() {
		f.begun++
		process = task.Process{PID: int(f.begun), Start: 1<<63 + f.begun, Boot: f.now.ID} // later than any real process
		f.deliver(engine.ServerStarted{Token: token, Process: process})
	}
	f.deliver(engine.Attached{Host: process, Package: l.Package, Token: token, Objects: f.objects(l)})
}

// objects returns the objects that a class server shows: first those that runs wait
// for, then those that it declares. A program that declares nothing serves the classes
// of its tasks.
func (f *forecast) objects(l engine.LaunchView) []task.Object {
	classes := slices.Concat(l.Wanted, l.Server.Classes)
	if len(l.Server.Classes) == 0 {
		classes = append(classes, f.book.unserved(l.Package)...)
	}
	var objects []task.Object
	for _, class := range classes {
		if o := (task.Object{CLSID: class}); len(objects) < task.MaxClasses && !slices.Contains(objects, o) {
			objects = append(objects, o)
			f.book.served[class] = true
		}
	}
	return objects
}

func (f *forecast) exited(process task.Process, token task.LaunchToken) {
	f.deliver(engine.Exited{Process: process, Token: token, Exit: engine.Exit{Known: true, Status: "signal: terminated"}})
	if !token.IsZero() {
		f.deliver(engine.TreeEnded{Token: token})
	}
}

// settleSources makes sources that have not reported yet report nothing, so that no
// task waits for them.
func (f *forecast) settleSources() {
	for _, st := range f.e.Sources() {
		if st.Status == task.SourceStarting {
			st.Status = task.SourceNotHere
			f.deliver(engine.SourceChanged{State: st})
		}
	}
}

// settleProcesses makes every existing process work: launches come up, hosts whose
// stream was lost are back, what was leaving or being ended is gone, and live runs end
// when they have taken their time, or immediately.
func (f *forecast) settleProcesses() {
	for _, l := range f.e.Launches() {
		switch l.State {
		case engine.ServerLaunching:
			f.launched(l.Token)
		case engine.ServerEnding:
			f.deliver(engine.TreeEnded{Token: l.Token})
		}
	}
	for _, h := range f.e.Hosts() {
		switch h.State {
		case engine.HostDetached:
			f.comesBack(h)
			f.goesOn(h)
		case engine.HostLeaving, engine.HostEnding:
			f.exited(h.ID, h.Token)
		case engine.HostAttached:
			f.goesOn(h)
		}
	}
}

func (f *forecast) comesBack(h engine.HostView) {
	ev := engine.Attached{Host: h.ID, Package: h.Package, Token: h.Token}
	for _, u := range h.Runs {
		ev.Instances = append(ev.Instances, task.HeldInstance{Instance: u.ID, TaskID: u.TaskID})
		if o := (task.Object{CLSID: u.Class}); !slices.Contains(ev.Objects, o) {
			ev.Objects = append(ev.Objects, o)
		}
	}
	f.deliver(ev)
}

func (f *forecast) goesOn(h engine.HostView) {
	for _, u := range h.Runs {
		switch u.State {
		case engine.RunCanceling:
			f.deliver(engine.Finished{Host: h.ID, Instance: u.ID, Result: task.Result{Outcome: task.Canceled}})
		case engine.RunSent:
			f.deliver(engine.Accepted{Host: h.ID, Instance: u.ID})
			f.ends.add(f.now.Boot+f.lasts(u.TaskID).each, h.ID, u.ID)
		case engine.RunRunning:
			left := f.lasts(u.TaskID).each - f.now.Wall.Sub(u.Entered)
			f.ends.add(f.now.Boot+max(left, 0), h.ID, u.ID)
		}
	}
}

// takeFacts makes the script report facts in place of the sources. A fact that the
// script does not set keeps its value, even if its source was just lost; an override
// stays until the script sets the fact or the override ends.
func (f *forecast) takeFacts(facts []task.Fact) {
	now, behind := map[string]task.Value{}, map[string]task.Value{}
	for _, fact := range facts {
		now[fact.Name] = fact.Value
		if fact.Overridden {
			behind[fact.Name] = fact.Real
		}
	}
	suppose := f.q.Suppose
	if zone := zoneScript(f.now.Wall, f.q.Until, now[task.FactTimeZone]); len(zone) > 0 {
		suppose = append(zone, suppose...)
	}
	f.script = scriptOf(suppose, now, f.now.Wall, f.q.Until)
	supposed := map[string]bool{}
	for _, s := range suppose {
		supposed[s.Fact] = true
	}
	var first []task.Fact
	var clear []string
	for _, name := range slices.Sorted(maps.Keys(now)) {
		value, overridden := behind[name]
		if !overridden || supposed[name] {
			value = now[name]
		}
		if supposed[name] || value.Known() {
			first = append(first, task.Fact{Name: name, Value: value})
		}
		if supposed[name] && overridden {
			clear = append(clear, name)
		}
	}
	f.deliver(engine.FactsReported{Source: source, Facts: first}) // this changes no value
	for _, name := range clear {
		f.deliver(engine.ClearOverride{Name: name})
	}
}

// finish ends the run that is due.
func (f *forecast) finish() {
	e := f.ends.take()
	f.deliver(engine.Finished{Host: e.host, Instance: e.instance, Result: task.Result{Outcome: task.Completed}})
}

// ends holds when runs will end, the earliest first.
type ends struct {
	heap  endHeap
	order uint64
}

type end struct {
	at       time.Duration
	order    uint64
	host     engine.HostID
	instance task.GUID
}

func (e *ends) add(at time.Duration, host engine.HostID, instance task.GUID) {
	e.order++
	heap.Push(&e.heap, end{at, e.order, host, instance})
}

func (e *ends) drop(instance task.GUID) {
	if i := slices.IndexFunc(e.heap, func(x end) bool { return x.instance == instance }); i >= 0 {
		heap.Remove(&e.heap, i)
	}
}

func (e *ends) first() (time.Duration, bool) {
	if len(e.heap) == 0 {
		return 0, false
	}
	return e.heap[0].at, true
}

func (e *ends) due(now time.Duration) bool { return len(e.heap) > 0 && e.heap[0].at <= now }

func (e *ends) take() end { return heap.Pop(&e.heap).(end) }

type endHeap []end

func (h endHeap) Len() int { return len(h) }
func (h endHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].order < h[j].order
}
func (h endHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *endHeap) Push(x any)   { *h = append(*h, x.(end)) }
func (h *endHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

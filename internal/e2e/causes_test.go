//go:build linux

package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/bgtask/bgtask/task"
)

// reported returns the details that the commands received, one element per run. Their
// script is "record".
func (w *world) reported() []task.Details {
	w.t.Helper()
	b, err := os.ReadFile(w.path("reported"))
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	var all []task.Details
	for line := range bytes.Lines(b) {
		d, err := task.DecodeDetails(line)
		if err != nil {
			w.t.Fatalf("a command got %q: %v", line, err)
		}
		all = append(all, d)
	}
	return all
}

// record is the script of a command that writes down the details it gets.
const record = `printf '%s\n' "$BGTASK_DETAILS" >>"$HOME/reported"`

// hang is the script of a command that ends when it is canceled.
const hang = `exec sleep 1000`

// ends waits for the end of a run, starting at the i-th event.
func (e *events) ends(i int, id task.GUID) task.Run {
	e.t.Helper()
	return *e.awaitFrom(i, "the end of a run", func(ev task.Event) bool { return ev.Kind == task.EventEnded && ev.TaskID == id }).Run
}

// runs waits for the beginning of a run, starting at the i-th event.
func (e *events) runs(i int, id task.GUID) task.Run {
	e.t.Helper()
	return *e.awaitFrom(i, "the beginning of a run", func(ev task.Event) bool { return ev.Kind == task.EventRunning && ev.TaskID == id }).Run
}

func TestAFileThatChanges(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	if err := os.MkdirAll(w.path("photos/2026"), 0o700); err != nil {
		t.Fatal(err)
	}
	id := w.add("scan", record, "--on", "path:photos")
	e := w.watch()
	w.awaitSource("inotify", task.SourceUp)

	// A change is seen only once the watch is in place, which nothing reports. The test
	// changes the file until the first change is seen.
	seen := make(chan struct{})
	writing := make(chan struct{})
	go func() {
		defer close(writing)
		for {
			if err := os.WriteFile(w.path("photos/2026/first.jpg"), []byte(time.Now().String()), 0o600); err != nil {
				t.Error(err)
				return
			}
			select {
			case <-seen:
				return
			case <-time.After(4 * time.Second): // the watch needs two seconds without a change
			}
		}
	}()
	run := e.ends(0, id)
	close(seen)
	<-writing
	if run.Outcome != task.Completed {
		t.Fatalf("it ended %v: %s", run.Outcome, run.Text)
	}
	for i := e.mark(); ; i = e.mark() { // including the last write
		if info := w.info(id); info.State.Phase == task.Waiting && w.fires(e, i, id, 3*time.Second) {
			e.ends(i, id)
			continue
		}
		break
	}

	before := len(w.reported())
	i := e.mark()
	for _, name := range []string{"a.jpg", "b.jpg"} {
		w.write("photos/2026/"+name, name)
	}
	if err := os.Remove(w.path("photos/2026/first.jpg")); err != nil {
		t.Fatal(err)
	}
	if run := e.ends(i, id); run.Outcome != task.Completed {
		t.Errorf("it ended %v: %s", run.Outcome, run.Text)
	}
	want := []string{w.path("photos/2026/a.jpg"), w.path("photos/2026/b.jpg"), w.path("photos/2026/first.jpg")}
	var got []string
	for _, d := range w.reported()[before:] {
		got = append(got, d.(task.StorageLibraryContentChangedTriggerDetails).Paths...)
	}
	for _, path := range want {
		if !slices.Contains(got, path) {
			t.Errorf("%s is not reported: %q", path, got)
		}
	}

	w.crash() // the next broker sees a change that was made while none was running
	i = e.mark()
	w.write("photos/c.jpg", "while no broker was running")
	w.start()
	e.ends(i, id)
	all := w.reported()
	if last := all[len(all)-1].(task.StorageLibraryContentChangedTriggerDetails); !last.Overflow { // it is not known what changed
		t.Errorf("after the crash it got %+v", last)
	}
}

// fires reports whether a task fires again within a time.
func (w *world) fires(e *events, i int, id task.GUID, within time.Duration) bool {
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		some, _, _ := e.from(i)
		if slices.ContainsFunc(some, func(ev task.Event) bool { return ev.Kind == task.EventFired && ev.TaskID == id }) {
			return true
		}
	}
	return false
}

// awaitSource waits until a source is in a state.
func (w *world) awaitSource(name string, status task.SourceStatus) {
	w.t.Helper()
	eventually(w.t, name+" is "+status.String(), func() bool {
		_, sources, err := w.user.Facts(w.context())
		return err == nil && slices.ContainsFunc(sources, func(s task.SourceState) bool { return s.Name == name && s.Status == status })
	})
}

// awaitFact waits until a fact has a value.
func (w *world) awaitFact(name string, value task.Value) {
	w.t.Helper()
	eventually(w.t, name+" is "+string(value), func() bool { return w.fact(name).Value == value })
}

func (w *world) fact(name string) task.Fact {
	w.t.Helper()
	facts, _, err := w.user.Facts(w.context())
	if err != nil {
		w.t.Fatal(err)
	}
	if i := slices.IndexFunc(facts, func(f task.Fact) bool { return f.Name == name }); i >= 0 {
		return facts[i]
	}
	return task.Fact{Name: name}
}

func TestAnEventThatIsRaised(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	id := w.add("listener", record, "--on", "event:door")
	e := w.watch()
	if out := w.do("raise", "door", "--payload", "it opened"); !bytes.Contains([]byte(out), []byte("listener")) {
		t.Errorf("raise says %q", out)
	}
	if run := e.ends(0, id); run.Outcome != task.Completed {
		t.Errorf("it ended %v: %s", run.Outcome, run.Text)
	}
	if d, ok := w.reported()[0].(task.CustomSystemEventTriggerDetails); !ok || d.ID != "door" || string(d.Payload) != "it opened" {
		t.Errorf("it got %+v", w.reported()[0])
	}
}

// Facts from an external program hold as long as it is connected.
func TestAnExternalSource(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	reports := make(chan []task.Fact)
	ended := make(chan error, 1)
	go func() {
		ended <- w.user.ReportFacts(w.context(), "door", func(yield func([]task.Fact) bool) {
			for facts := range reports {
				if !yield(facts) {
					return
				}
			}
		})
	}()
	reports <- []task.Fact{{Name: "door/open", Value: task.No}}
	w.awaitFact("door/open", task.No)
	reports <- []task.Fact{{Name: "door/open", Value: task.Yes, Detail: "the back one"}}
	w.awaitFact("door/open", task.Yes)
	if f := w.fact("door/open"); f.Source != "door" || f.Detail != "the back one" {
		t.Errorf("the fact is %+v", f)
	}
	if err := w.user.ReportFacts(w.context(), "door", func(func([]task.Fact) bool) {}); err == nil {
		t.Error("a second source with that name was accepted")
	}
	close(reports)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	w.awaitSource("door", task.SourceGone)
	left := time.Now()
	eventually(t, "the fact is unknown", func() bool { return !w.fact("door/open").Value.Known() })
	if took := time.Since(left); took < task.SourceGrace/2 {
		t.Errorf("it was unknown after %v; a source has %v to come back", took, task.SourceGrace)
	}
	var facts struct {
		Facts []struct{ Name, Value string }
	}
	if err := json.Unmarshal([]byte(w.do("facts", "--json")), &facts); err != nil {
		t.Error(err)
	}
}

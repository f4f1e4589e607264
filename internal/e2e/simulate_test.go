//go:build linux

package e2e

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/bgtask/bgtask/task"
)

// predicted is a run as 'bgtask simulate --json' prints it.
type predicted struct {
	Kind      string
	At        time.Time
	Name      string
	Firings   int
	HeldSince *time.Time `json:"held_since"`
}

func (w *world) predict(args ...string) []predicted {
	w.t.Helper()
	var answer struct {
		Simulation struct{ Happenings []predicted }
	}
	if err := json.Unmarshal([]byte(w.do(append([]string{"simulate", "--json"}, args...)...)), &answer); err != nil {
		w.t.Fatal(err)
	}
	return answer.Simulation.Happenings
}

// stop is an instant at which something other than a run happens.
type stop struct {
	at       time.Time
	internet string // the value of the fact from then on; "": sync fires
}

// TestPredictedRunsHappen asks the binary what the next hours bring if the internet is
// away for a while. Then it lets those hours pass, with the internet away for that
// while. The same tasks must run at the same times, for the same number of firings.
func TestPredictedRunsHappen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	c := w.ownClocks()
	w.start()
	w.do("facts", "override", "internet=yes")
	ids := map[string]task.GUID{
		"sync": w.add("sync", "true", "--every", "1h", "--when", "internet"), "often": w.add("often", "true", "--every", "25m"),
		"online": w.add("online", "true", "--on", "internet"), "event": w.add("event", "true", "--on", "event:never"),
	}
	begin := c.now()
	away, back := begin.Add(90*time.Minute).UTC().Truncate(time.Second), begin.Add(190*time.Minute).UTC().Truncate(time.Second)
	runs := w.predict("--for", "230m", "--with", "internet=no "+away.Format(time.RFC3339)+".."+back.Format(time.RFC3339))
	if n := len(runs); n != 12 { // 9 of often, sync in time and late, online
		t.Fatalf("%d runs are predicted: %+v", n, runs)
	}
	// The machine must be awake at each stop. Otherwise it would notice the stop too
	// late.
	stops := []stop{{away, "no"}, {back, "yes"}}
	for at := w.info(ids["sync"]).State.Next; at.Before(back); at = at.Add(time.Hour) {
		if at.After(away) {
			stops = append(stops, stop{at: at})
		}
	}
	slices.SortFunc(stops, func(a, b stop) int { return a.at.Compare(b.at) })
	e := w.watch()
	for at := 0; len(runs) > 0; {
		next := runs[0].At
		for len(stops) > 0 && !stops[0].at.After(next) {
			i := e.mark()
			c.sleepUntil(stops[0].at)
			if v := stops[0].internet; v != "" {
				w.do("facts", "override", "internet="+v)
			} else {
				e.awaitFrom(i, "a firing of sync", func(ev task.Event) bool { return ev.Kind == task.EventFired && ev.TaskID == ids["sync"] })
			}
			stops = stops[1:]
		}
		together := slices.IndexFunc(runs, func(r predicted) bool { return r.At.Sub(next) > time.Second })
		if together < 0 {
			together = len(runs)
		}
		if next.After(c.now()) {
			c.sleepUntil(next)
		}
		for _, want := range runs[:together] {
			run := e.ends(at, ids[want.Name])
			due := run.Occurrence.Due
			if want.HeldSince != nil {
				due = want.At // it was due earlier
			}
			if late := run.Started.Sub(want.At); due.Sub(want.At).Abs() > time.Second || late.Abs() > patience || run.Occurrence.Count != want.Firings {
				t.Errorf("predicted: %+v; what happened: %+v", want, run)
			}
		}
		at = e.mark()
		runs = runs[together:]
	}
	for name, want := range map[string]int{"sync": 2, "often": 9, "online": 1, "event": 0} {
		if n := w.info(ids[name]).Counts.Runs; n != want {
			t.Errorf("%s has run %d times, and not %d", name, n, want)
		}
	}
}

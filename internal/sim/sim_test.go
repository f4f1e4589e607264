package sim

import (
	"flag"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

var (
	oneSeed   = flag.Uint64("seed", 0, "play only the history of this seed, reduced to the steps that matter; -v prints its transcript")
	whole     = flag.Bool("whole", false, "with -seed: play the whole history")
	histories = flag.Int("histories", 2000, "how many histories to play")
	firstSeed = flag.Uint64("first", 1, "the seed of the first")
	steps     = flag.Int("steps", 250, "steps of a history")
)

// TestHistories plays one history for each seed, on all processors.
func TestHistories(t *testing.T) {
	if *oneSeed != 0 {
		playOne(t)
		return
	}
	n := uint64(*histories)
	if testing.Short() || raceEnabled {
		n /= 10
	}
	total := map[string]int{}
	var failed atomic.Uint64
	var mu sync.Mutex
	var all sync.WaitGroup
	next := atomic.Uint64{}
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for seed := *firstSeed + next.Add(1) - 1; seed < *firstSeed+n && failed.Load() < 5; seed = *firstSeed + next.Add(1) - 1 {
				r := History{Seed: seed, Steps: *steps}.Play()
				if r.Err != nil {
					failed.Add(1)
					t.Errorf("step %d: %v\n\tagain: go test ./internal/sim -run TestHistories -v -seed %d", r.Step, r.Err, seed)
				}
				mu.Lock()
				for what, times := range r.Reached {
					total[what] += times
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if n >= 1000 && failed.Load() == 0 {
		wentEverywhere(t, total)
	}
	if testing.Verbose() {
		for _, what := range slices.Sorted(maps.Keys(total)) {
			t.Logf("%8d  %s", total[what], what)
		}
	}
}

// wentEverywhere checks that the histories saw every outcome, end, state and reason. A
// history that never sees one proves nothing about it.
func wentEverywhere(t *testing.T, reached map[string]int) {
	var places []string
	for _, row := range task.Outcomes() {
		places = append(places, "outcome "+row.Name)
	}
	for _, e := range task.Ends() {
		places = append(places, "end "+e.String())
	}
	for _, c := range task.MissCauses() {
		places = append(places, "missed "+c.String())
	}
	for s := engine.RunStarting; s < engine.RunEnded; s++ {
		places = append(places, "run "+s.String())
	}
	for s := engine.RegActive; s < engine.RegGone; s++ {
		places = append(places, "registration "+s.String())
	}
	for s := engine.ServerLaunching; s <= engine.ServerEnding; s++ {
		places = append(places, "launch "+s.String())
	}
	for _, row := range task.ReasonKinds() {
		if row.Kind != task.WaitQueue { // a reason of those behind the first only
			places = append(places, "waits for "+row.Name)
		}
	}
	for _, p := range places {
		if reached[p] == 0 {
			t.Errorf("no history reached: %s. The machine has to do what leads there: internal/sim/process.go, launch.go, requests.go", p)
		}
	}
}

func playOne(t *testing.T) {
	h := History{Seed: *oneSeed, Steps: *steps}
	if !*whole {
		h = h.Shrink()
	}
	h.Transcript = testing.Verbose()
	r := h.Play()
	t.Logf("seed %d, %d of %d steps left out\n%s", h.Seed, len(h.Skip), h.Steps, r.Transcript)
	if r.Err != nil {
		t.Fatalf("step %d: %v", r.Step, r.Err)
	}
}

// TestSameSeedSameTranscript checks that a seed always gives the same transcript, byte
// for byte.
func TestSameSeedSameTranscript(t *testing.T) {
	for seed := uint64(1); seed <= 40; seed++ {
		h := History{Seed: seed, Steps: 100, Transcript: true}
		if first, again := h.Play(), h.Play(); first.Transcript != again.Transcript {
			t.Errorf("seed %d has two transcripts", seed)
		}
	}
}

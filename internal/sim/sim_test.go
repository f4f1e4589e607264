package sim

import (
	"flag"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	oneSeed   = flag.Uint64("seed", 0, "play the history of this seed only; -v prints its transcript")
	histories = flag.Int("histories", 2000, "how many histories to play")
	steps     = flag.Int("steps", 300, "steps of a history")
)

// TestHistories plays one history for each seed, on all processors.
func TestHistories(t *testing.T) {
	if *oneSeed != 0 {
		r := Run(*oneSeed, *steps, testing.Verbose())
		t.Log(r.Transcript)
		if r.Err != nil {
			t.Fatalf("step %d: %v", r.Step, r.Err)
		}
		return
	}
	n := *histories
	if testing.Short() {
		n /= 10
	}
	var next, failed atomic.Uint64
	var total Seen
	var mu sync.Mutex
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for seed := next.Add(1); seed <= uint64(n) && failed.Load() < 5; seed = next.Add(1) {
				r := Run(seed, *steps, false)
				if r.Err != nil {
					failed.Add(1)
					t.Errorf("step %d: %v\n\tagain: go test ./internal/sim -run TestHistories -v -seed %d", r.Step, r.Err, seed)
				}
				mu.Lock()
				total.add(r.Seen)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	t.Logf("%d histories: %+v", n, total)
}

func (s *Seen) add(t Seen) {
	s.Runs, s.Ends, s.Crashes, s.Boots = s.Runs+t.Runs, s.Ends+t.Ends, s.Crashes+t.Crashes, s.Boots+t.Boots
	for i := range s.Outcomes {
		s.Outcomes[i] += t.Outcomes[i]
	}
}

// TestSameSeedSameTranscript holds a history to its seed, byte for byte.
func TestSameSeedSameTranscript(t *testing.T) {
	for seed := uint64(1); seed <= 10; seed++ {
		a, b := Run(seed, 150, true), Run(seed, 150, true)
		if a.Transcript != b.Transcript {
			t.Errorf("seed %d has two transcripts", seed)
		}
	}
}

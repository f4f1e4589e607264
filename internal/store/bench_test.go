//go:build linux

package store_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/store"
	"github.com/bgtask/bgtask/task"
)

var start = time.Date(2026, 11, 20, 8, 0, 0, 0, time.FixedZone("", 3600))

func numbered(n int) (g task.GUID) {
	// The numbers are spread as random IDs are.
	binary.BigEndian.PutUint64(g[:], uint64(n)*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(g[8:], uint64(n))
	return g
}

func sampleRegistration(n int) engine.Registration {
	return engine.Registration{
		TaskID: numbered(n), Package: fmt.Sprintf("notes%d_8z2hq4k1ycxxt", n%10), Registered: start, Order: uint64(n),
		Spec: task.Spec{
			Name: fmt.Sprintf("SyncNotes-%d", n), EntryPoint: task.CommandClass, Trigger: task.TimeTrigger{Freshness: 30 * time.Minute},
			Conditions: []task.Condition{task.InternetAvailable, task.BatteryNotLow}, CancelOnConditionLoss: true,
			Retry: task.RetryPolicy{Attempts: 8, First: 30 * time.Second, Limit: time.Hour}, Exclusive: "store",
		},
	}
}

func sampleLedger(n int) engine.Ledger {
	return engine.Ledger{
		TaskID:    numbered(n),
		LedgerHot: engine.LedgerHot{Firing: 209, Grid: time.Hour, GridWall: engine.UnixTimeOf(start), Next: 2 * time.Hour},
		LedgerCold: engine.LedgerCold{LastEnd: task.Ended{Number: 209, End: task.EndDone, At: start}, LastRun: sampleRun(n),
			Counts: task.Counts{Runs: 209, ByOutcome: task.OutcomeCounts{task.Completed: 203, task.Canceled: 5, task.Failed: 1}, Missed: 17}},
	}
}

func sampleRun(n int) *task.Run {
	return &task.Run{
		ID: numbered(n), TaskID: numbered(n), Name: fmt.Sprintf("SyncNotes-%d", n), Package: fmt.Sprintf("notes%d_8z2hq4k1ycxxt", n%10),
		Occurrence: task.Occurrence{Number: 209, Due: start, Observed: start, Last: start, Count: 1}, Attempt: 1, Host: "launched", PID: 4711,
		Launch: task.LaunchToken(numbered(n)), Started: start, Entered: start, Ended: start, Outcome: task.Completed,
	}
}

func sampleEvent(seq uint64, n int) task.Event {
	return task.Event{
		Seq: seq, Kind: task.EventEnded, Time: start.Add(time.Duration(seq) * time.Millisecond), Boot: "0d4a3f0e-6c9d-4a9e-8f53-6a3f1f6a6d11", BootTime: time.Hour,
		TaskID: numbered(n), Package: fmt.Sprintf("notes%d_8z2hq4k1ycxxt", n%10), Name: fmt.Sprintf("SyncNotes-%d", n), Run: sampleRun(n),
		State: &task.State{Phase: task.Waiting, Since: start, Next: start, NextKnown: true},
	}
}

// BenchmarkCommit measures a commit of as many ledgers as events.
func BenchmarkCommit(b *testing.B) {
	for _, size := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := fill(b, 10_000)
			writes, seq := make([]engine.Write, 0, size), uint64(0)
			for round := uint64(0); b.Loop(); round++ {
				writes = writes[:0]
				for i := range size {
					n := (int(seq) + i*7) % 10_000
					if i%2 == 1 {
						seq++
						writes = append(writes, engine.Append{Event: sampleEvent(seq, n)})
					} else {
						ledger := sampleLedger(n)
						ledger.Firing += round
						writes = append(writes, engine.Put{Record: ledger})
					}
				}
				if err := s.Commit(b.Context(), writes); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*size), "µs/write")
		})
	}
}

// BenchmarkFsync measures what the disk takes for the bytes alone: one page of the log
// per write.
func BenchmarkFsync(b *testing.B) {
	for _, pages := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(pages), func(b *testing.B) {
			f, err := os.Create(filepath.Join(b.TempDir(), "raw"))
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			data := make([]byte, pages*4096)
			for b.Loop() {
				if _, err := f.WriteAt(data, 0); err != nil {
					b.Fatal(err)
				}
				if err := f.Sync(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	s := fill(b, 100_000)
	for b.Loop() {
		if _, err := s.Load(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen measures the start after an orderly shutdown: open, load, close.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s := fillAt(b, dir, 100_000)
	for b.Loop() {
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		var err error
		if s, err = store.Open(b.Context(), dir, store.Options{}); err != nil {
			b.Fatal(err)
		}
	}
	s.Close()
}

// BenchmarkOpenUnclean measures the start after a crash, when SQLite checks the store
// and the log is copied into it.
func BenchmarkOpenUnclean(b *testing.B) {
	dir := b.TempDir()
	s := fillAt(b, dir, 100_000)
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := os.WriteFile(filepath.Join(dir, "store.db-wal"), []byte("left"), 0o600); err != nil {
			b.Fatal(err)
		}
		s, err := store.Open(b.Context(), dir, store.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func fill(b *testing.B, tasks int) *store.Store {
	s := fillAt(b, b.TempDir(), tasks)
	b.Cleanup(func() { s.Close() })
	return s
}

func fillAt(tb testing.TB, dir string, tasks int) *store.Store {
	s, err := store.Open(tb.Context(), dir, store.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	var writes []engine.Write
	for n := range tasks {
		writes = append(writes, engine.Put{Record: sampleRegistration(n)}, engine.Put{Record: sampleLedger(n)})
		if len(writes) >= 5000 || n == tasks-1 {
			if err := s.Commit(tb.Context(), writes); err != nil {
				tb.Fatal(err)
			}
			writes = writes[:0]
		}
	}
	return s
}

package engine

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/bgtask/bgtask/task"
)

// BenchmarkRestore loads 100,000 registrations in ten packages, and reports the memory
// that each takes.
func BenchmarkRestore(b *testing.B) {
	now, saved := manySaved()
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		e, _ := Restore(now, Config{}, saved)
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(len(saved.Registrations)), "bytes/registration")
		runtime.KeepAlive(e)
	}
}

func manySaved() (Instant, State) {
	const many = 100_000
	now := Instant{Wall: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC), Boot: time.Hour, Awake: time.Hour, ID: "boot"}
	saved := State{Clock: Clock{Boot: "boot", Base: 0, Elapsed: time.Hour, Wall: now.Wall}}
	for p := range 10 {
		saved.Packages = append(saved.Packages, Package{Package: task.Package{Family: fmt.Sprint("app", p), Implied: true, Access: task.AlwaysAllowed}})
	}
	conditions := []task.Condition{task.InternetAvailable}
	for i := range many {
		id := task.GUID{0: byte(i), 1: byte(i >> 8), 2: byte(i >> 16), 15: 1}
		saved.Registrations = append(saved.Registrations, Registration{TaskID: id, Package: saved.Packages[i%10].Family, Order: uint64(i + 1), Registered: now.Wall,
			Spec: task.Spec{Name: fmt.Sprint("task", i), Trigger: task.TimeTrigger{Freshness: time.Hour}, Conditions: conditions}})
		saved.Ledgers = append(saved.Ledgers, Ledger{TaskID: id, LedgerHot: LedgerHot{Grid: 1, Next: 2 * time.Hour, GridWall: UnixTimeOf(now.Wall)}})
	}
	return now, saved
}

func manyTasks() *Engine {
	now, saved := manySaved()
	e, out := Restore(now, Config{}, saved)
	for out.Wake == now.Boot {
		out = e.Step(now, Tick{})
	}
	return e
}

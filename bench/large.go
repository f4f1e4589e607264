//go:build linux

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/store"
	"github.com/bgtask/bgtask/task"
)

// large creates a store with 100,000 registrations in ten packages, using package
// store directly, and measures the start of a broker on it.
func large(ctx context.Context, t *table, binary, dir string, n rounds) error {
	empty, err := startBroker(ctx, binary, filepath.Join(dir, "empty"))
	if err != nil {
		return err
	}
	base, baseReady := empty.status("VmRSS"), empty.ready
	empty.stop()
	if err := fill(ctx, filepath.Join(dir, "full", "state"), n.many); err != nil {
		return err
	}
	b, err := startBroker(ctx, binary, filepath.Join(dir, "full"))
	if err != nil {
		return err
	}
	defer b.stop()
	time.Sleep(time.Second)
	rss := b.status("VmRSS")
	t.row(fmt.Sprintf("start with %d registrations", n.many), short(b.ready)+" to the first answer", "<= 1 s", short(baseReady)+" with none")
	t.row("memory with them (RSS)", fmt.Sprintf("%d MiB", rss>>10), "<= 100 MiB", fmt.Sprintf("%d MiB with none; %d bytes each", base>>10, (rss-base)<<10/n.many))
	return nil
}

// fill writes a store as the engine would.
func fill(ctx context.Context, dir string, many int) error {
	s, err := store.Open(ctx, dir, store.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	now := time.Now()
	var writes []engine.Write
	const packages = 10
	for p := range packages {
		writes = append(writes, engine.Put{Record: engine.Package{Package: task.Package{Family: fmt.Sprintf("app%d_0000000000000", p), Name: fmt.Sprint("app", p), Implied: true,
			Access: task.AllowedSubjectToSystemPolicy, Servers: []task.ClassServer{{Executable: "/opt/app"}}}}})
	}
	for i := range many {
		id := task.GUID{byte(i), byte(i >> 8), byte(i >> 16), 15: 1}
		writes = append(writes,
			engine.Put{Record: engine.Registration{TaskID: id, Package: fmt.Sprintf("app%d_0000000000000", i%packages), Registered: now, Order: uint64(i + 1),
				Spec: task.Spec{Name: fmt.Sprint("task", i), EntryPoint: idleClass, Trigger: task.TimeTrigger{Freshness: 24 * time.Hour}, Conditions: []task.Condition{task.InternetAvailable}}}},
			engine.Put{Record: engine.Ledger{TaskID: id, LedgerHot: engine.LedgerHot{Grid: time.Second, GridWall: engine.UnixTimeOf(now), Next: 24 * 365 * time.Hour}}})
		if len(writes) > 1000 {
			if err := s.Commit(ctx, writes); err != nil {
				return err
			}
			writes = writes[:0]
		}
	}
	return s.Commit(ctx, writes)
}

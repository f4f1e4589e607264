package bgtasktest_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bgtask/bgtask"
	"github.com/bgtask/bgtask/bgtasktest"
)

// download saves its position when it is canceled, and continues there.
func download(ctx context.Context, instance *bgtask.Instance) error {
	for part := len(instance.Checkpoint()); part < 100; part++ {
		select {
		case <-ctx.Done():
			return instance.SaveCheckpoint(make([]byte, part))
		case <-time.After(time.Second): // fetch a part
		}
		instance.SetProgress(uint32(part + 1))
	}
	return os.WriteFile(filepath.Join(instance.LocalFolder(), "done"), nil, 0o600)
}

// ExampleStart tests a task alone: a run that continues from a checkpoint, and is
// canceled before its end.
func ExampleStart() {
	TestDownload := func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			run := bgtasktest.Start(t, bgtask.TaskFunc(download), bgtasktest.Activation{
				Attempt:    2,
				Checkpoint: make([]byte, 60),
			})
			run.WaitProgress(70)
			run.Cancel(bgtask.ReasonTerminating)
			if err := run.Wait(); err != nil {
				t.Fatal(err)
			}
			fmt.Println(run.Outcome(), len(run.Checkpoint()))
		})
	}
	runAsTest(TestDownload)
	// Output: completed 70
}

// ExampleNewMachine tests when a task runs: it is due every hour, and held while the
// machine is offline.
func ExampleNewMachine() {
	TestOffline := func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := bgtasktest.NewMachine(t, bgtask.Class{CLSID: class, Task: bgtask.TaskFunc(download)})
			b := bgtask.Builder{Name: "Download", EntryPoint: class, Client: m.Client()}
			b.Trigger = bgtask.TimeTrigger{Freshness: time.Hour}
			b.Conditions = []bgtask.Condition{bgtask.InternetAvailable}
			task, err := b.Ensure(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			m.SetFact("internet", "no")
			time.Sleep(3*time.Hour + time.Minute)
			state, err := task.State(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			fmt.Println(state.Phase, state.Waiting, "firings")

			m.SetFact("internet", "yes")
			time.Sleep(10 * time.Minute)
			last, err := task.LastRun(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			fmt.Println(last, "for", last.Occurrence.Count, "firings")
		})
	}
	runAsTest(TestOffline)
	// Output:
	// held 3 firings
	// completed in 1 min 40 s for 3 firings
}

// runAsTest runs a test as go test would.
func runAsTest(test func(*testing.T)) {
	all := func(string, string) (bool, error) { return true, nil }
	testing.RunTests(all, []testing.InternalTest{{Name: "Example", F: test}})
}

package winbroker

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/filled"
	"github.com/bgtask/bgtask/task"
)

func testRecords(t *testing.T, alive ...task.GUID) *records {
	return &records{folder: t.TempDir(), alive: func(id task.GUID) bool {
		for _, a := range alive {
			if a == id {
				return true
			}
		}
		return false
	}}
}

// TestRecordsRoundTrip: what was kept is what is read, in every field.
func TestRecordsRoundTrip(t *testing.T) {
	r := testRecords(t)
	id := task.GUID{1}
	filled.RoundTrip(t, filled.Filler{Full: true}, func(want registration) (registration, error) {
		err := r.register(id, want)
		got, ok := r.registration(id)
		if !ok {
			err = errors.Join(err, errors.New("it cannot be read"))
		}
		return got, err
	})
	filled.RoundTrip(t, filled.Filler{}, func(want run) (run, error) {
		err := r.end(id, want)
		got, _ := r.run(id, want.Number)
		return got, err
	})
	filled.RoundTrip(t, filled.Filler{}, func(want task.Checkpoint) (task.Checkpoint, error) {
		err := r.saveCheckpoint(id, want)
		return *cmp.Or(r.checkpoint(id), &task.Checkpoint{}), err
	})
}

// TestRunNumbers checks that processes that begin runs at the same time get different
// numbers.
func TestRunNumbers(t *testing.T) {
	folder := t.TempDir()
	const writers, each = 8, 10
	var mu sync.Mutex
	seen := map[uint64]bool{}
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			r := &records{folder: folder} // as another process would
			for i := range each {
				begun, err := r.begin(task.GUID{1}, run{Instance: task.GUID{byte(w), byte(i)}})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				if seen[begun.Number] {
					t.Errorf("number %d twice", begun.Number)
				}
				seen[begun.Number] = true
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if len(seen) != writers*each {
		t.Errorf("%d numbers", len(seen))
	}
}

func TestRunsAreBounded(t *testing.T) {
	r := testRecords(t)
	id := task.GUID{1}
	for i := range runsKept + 20 {
		begun, err := r.begin(id, run{Instance: task.GUID{byte(i)}, Started: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		begun.Outcome = task.Completed.String()
		if err := r.end(id, begun); err != nil {
			t.Fatal(err)
		}
	}
	all, err := r.runs(task.Info{TaskID: id})
	if err != nil || len(all) != runsKept || all[0].Occurrence.Number != runsKept+20 {
		t.Errorf("%d runs, %v", len(all), err)
	}
	if files, _ := os.ReadDir(r.dir(id)); len(files) != runsKept {
		t.Errorf("%d files", len(files))
	}
}

// TestLost checks that a run without an outcome is live while its process is, and Lost
// afterwards.
func TestLost(t *testing.T) {
	live, dead := task.GUID{8}, task.GUID{9}
	r := testRecords(t, live)
	id := task.GUID{1}
	for _, instance := range []task.GUID{dead, live} {
		if _, err := r.begin(id, run{Instance: instance, Started: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	info := task.Info{TaskID: id}
	if err := r.fill(&info); err != nil {
		t.Fatal(err)
	}
	if info.State.Phase != task.Running || info.State.Run.ID != live {
		t.Errorf("%+v", info.State)
	}
	if info.LastRun == nil || info.LastRun.ID != dead || info.LastRun.Outcome != task.Lost || info.LastEnd.End != task.EndFailed {
		t.Errorf("%+v", info.LastRun)
	}
}

// TestDamagedFiles checks that unreadable files are treated as missing and do not
// prevent anything.
func TestDamagedFiles(t *testing.T) {
	r := testRecords(t)
	id := task.GUID{1}
	if err := r.register(id, registration{Spec: spec("A", 15)}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{registrationFile, checkpointFile, runFile(3), "x.run"} {
		if err := os.WriteFile(filepath.Join(r.dir(id), name), []byte(`{"spec":`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := r.registration(id); ok {
		t.Error("a damaged registration was read")
	}
	if r.checkpoint(id) != nil {
		t.Error("a damaged checkpoint was read")
	}
	if all, err := r.runs(task.Info{TaskID: id}); err != nil || len(all) != 0 {
		t.Error(all, err)
	}
	if begun, err := r.begin(id, run{}); err != nil || begun.Number != 4 {
		t.Error(begun, err)
	}
	if err := r.register(id, registration{Spec: spec("B", 15)}); err != nil {
		t.Error(err)
	}
	if reg, ok := r.registration(id); !ok || reg.Spec.Name != "B" {
		t.Error(reg)
	}
}

func TestSweep(t *testing.T) {
	r := testRecords(t)
	for i := range 3 {
		if err := r.register(task.GUID{byte(i)}, registration{Spec: spec("A", 15)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(r.folder, "of the application"), 0o700); err != nil {
		t.Fatal(err)
	}
	known, err := r.known()
	if err != nil || len(known) != 3 {
		t.Error(known, err)
	}
	if err := r.sweep(known, func(id task.GUID) bool { return id == task.GUID{1} }); err != nil {
		t.Error(err)
	}
	if entries, _ := os.ReadDir(r.folder); len(entries) != 2 {
		t.Error(entries)
	}
}

package primes

import (
	"context"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bgtask/bgtask"
	"github.com/bgtask/bgtask/bgtasktest"
)

// The task alone: when canceled, it ends immediately and returns the reason.
func TestSampleTaskStops(t *testing.T) {
	run := bgtasktest.Start(t, SampleTask{}, bgtasktest.Activation{})
	run.WaitProgress(100)
	canceled := time.Now()
	run.Cancel(bgtask.ReasonConditionLoss)
	if err := run.Wait(); !errors.Is(err, bgtask.ReasonConditionLoss) {
		t.Errorf("Run returned %v", err)
	}
	if took := time.Since(canceled); took > time.Second {
		t.Errorf("took %v to stop", took)
	}
}

// The whole path, with the real engine in virtual time.
func TestSampleTaskWaitsForInternet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		block := bgtask.TaskFunc(func(ctx context.Context, _ *bgtask.Instance) error { <-ctx.Done(); return context.Cause(ctx) })
		machine := bgtasktest.NewMachine(t, bgtask.Class{CLSID: Sample.EntryPoint, Task: block})
		machine.SetFact("internet", "no")
		b := Sample
		b.Client = machine.Client()
		reg, err := b.Ensure(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(24*time.Hour + time.Minute) // costs nothing
		if state, _ := reg.State(t.Context()); state.Phase != bgtask.Held || state.Waiting != 96 {
			t.Errorf("after a day without internet: %v", state)
		}
		machine.SetFact("internet", "yes")
		synctest.Wait()
		if state, _ := reg.State(t.Context()); state.Phase != bgtask.Running {
			t.Errorf("once online: %v", state)
		}
	})
}

// The output is the primes in order, as math/big finds them.
func TestSampleTaskWritesPrimes(t *testing.T) {
	folder := t.TempDir()
	run := bgtasktest.Start(t, SampleTask{}, bgtasktest.Activation{LocalFolder: folder})
	run.WaitProgress(1000)
	run.Cancel(bgtask.ReasonAbort)
	run.Wait()
	b, err := os.ReadFile(filepath.Join(folder, filepath.Base(os.Args[0]), LogFile))
	if err != nil {
		t.Fatal(err)
	}
	numbers := strings.Split(string(b), ", ")
	if len(numbers) < 1000 || len(numbers) < int(run.Progress()) {
		t.Fatalf("%d numbers at progress %d", len(numbers), run.Progress())
	}
	next := int64(2)
	for _, number := range numbers[:1000] {
		for ; !big.NewInt(next).ProbablyPrime(0); next++ {
		}
		if number != strconv.FormatInt(next, 10) {
			t.Fatalf("%s was written where %d belongs", number, next)
		}
		next++
	}
}

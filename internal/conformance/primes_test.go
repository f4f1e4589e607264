package conformance

import (
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/bgtask/bgtask/examples/primes"
	"github.com/bgtask/bgtask/task"
)

// TestPrimes checks that the sample's server is launched with the manifest's arguments,
// counts, reports its progress, is canceled, and ends. What it wrote must be primes.
func TestPrimes(t *testing.T) {
	w := newPrimes(t)
	id := w.ensured()
	w.mustFire(id)
	w.counts()
	w.mustCancel(id, task.ReasonIdleTask)
	r := w.ended(id, 1)
	if r.Outcome != task.Canceled || r.Reason != task.ReasonIdleTask || r.Forced || r.Host != "launched" {
		t.Errorf("it ended as %+v", r)
	}
	w.judge(int(r.Progress))
}

// TestPrimesInTheOpenApplication checks that the open application itself is activated.
func TestPrimesInTheOpenApplication(t *testing.T) {
	w := newPrimes(t)
	id := w.ensured()
	app := w.begin(w.program(sample))
	w.eventually("the application serves", func() bool { return w.serves(primes.Sample.EntryPoint, app.cmd.Process.Pid) })
	w.mustFire(id)
	w.counts()
	w.mustCancel(id, task.ReasonIdleTask)
	r := w.ended(id, 1)
	if r.Outcome != task.Canceled || r.PID != app.cmd.Process.Pid || r.Host != "the application" {
		t.Errorf("the application is %d, but the run ended as %+v", app.cmd.Process.Pid, r)
	}
	w.judge(int(r.Progress))
}

const sample = "SampleBackgroundApp/SampleBackgroundApp"

// ensured makes the sample register its task, and returns its ID.
func (w *world) ensured() (id task.GUID) {
	w.t.Helper()
	if out, err := w.program(sample, "-RegisterSampleTask").CombinedOutput(); err != nil {
		w.t.Fatalf("registering: %v\n%s", err, out)
	}
	id, err := w.find(primes.Sample.Name)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// written returns what the task has written until now.
func (w *world) written() string {
	program := "SampleBackgroundApp"
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	text, _ := os.ReadFile(filepath.Join(w.folder(), program, primes.LogFile))
	return string(text)
}

func (w *world) counts() {
	w.t.Helper()
	w.eventually("it counts", func() bool { return len(w.written()) > 1000 })
}

// judge checks what was written with math/big.
func (w *world) judge(progress int) {
	w.t.Helper()
	numbers := strings.Split(w.written(), ", ")
	if progress == 0 || len(numbers) < progress {
		w.t.Errorf("there are %d numbers, but the progress was %d", len(numbers), progress)
	}
	next := int64(2)
	for _, number := range numbers[:min(len(numbers), 1000)] {
		for ; !big.NewInt(next).ProbablyPrime(0); next++ {
		}
		if number != strconv.FormatInt(next, 10) {
			w.t.Fatalf("%s was written where %d belongs", number, next)
		}
		next++
	}
}

//go:build linux

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"

	"github.com/bgtask/bgtask/internal/source/sourcetest"
	"github.com/bgtask/bgtask/task"
)

// The number of events in a storm, and how much memory it may cost the broker.
const (
	stormEvents = 100_000
	stormMemory = heavier * 32 << 20
)

// storms runs a storm and checks its cost.
func (w *world) storms(storm func()) {
	w.t.Helper()
	peak := fmt.Sprintf("/proc/%d/clear_refs", w.broker.pid)
	if err := os.WriteFile(peak, []byte("5"), 0); err != nil { // VmHWM counts from now on
		w.t.Fatal(err)
	}
	before := memory(w.t, w.broker.pid, "VmRSS")
	storm()
	w.do("list") // once this is answered, the events so far have been processed
	grown := memory(w.t, w.broker.pid, "VmHWM") - before
	w.t.Logf("%d KiB", grown>>10)
	if grown > stormMemory {
		w.t.Errorf("the storm cost %d MiB", grown>>20)
	}
}

// memory returns a line of /proc/PID/status in bytes.
func memory(t *testing.T, pid int, line string) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^` + line + `:\s+(\d+) kB$`).FindSubmatch(status)
	if found == nil {
		t.Fatalf("no %s in\n%s", line, status)
	}
	n, _ := strconv.Atoi(string(found[1]))
	return n << 10
}

// calms waits until every firing of a storm has run or waits for its turn, and checks
// that no more runs than allowed were started.
func (w *world) calms(e *events, id task.GUID) {
	w.t.Helper()
	e.ends(0, id)
	eventually(w.t, "all firings have run or wait for their turn", func() bool {
		info := w.info(id)
		return info.State.Phase == task.Waiting || info.State.Phase == task.Held && info.State.Reasons[0].Kind == task.WaitRate
	})
	if n := w.info(id).Counts.Runs; n > task.StartsByEdges {
		w.t.Errorf("%d runs", n)
	}
}

func TestAStormOfDevices(t *testing.T) {
	sourcetest.NeedRoot(t)
	w, inside := nsWorld(t)
	if !inside {
		return
	}
	sys := w.path("sys")
	if err := os.Mkdir(sys, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("sysfs", sys, "sysfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Unmount(sys, syscall.MNT_DETACH) })
	w.start()
	id := w.add("plugged", record, "--on", "device:net")
	e := w.watch()
	w.awaitSource("uevents", task.SourceUp)
	w.do("list")
	change, err := os.OpenFile(filepath.Join(sys, "class/net/lo/uevent"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer change.Close()
	w.storms(func() {
		for range stormEvents {
			if _, err := change.WriteString("change"); err != nil {
				t.Fatal(err)
			}
		}
	})
	w.calms(e, id)
}

func TestAStormOfFiles(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	if err := os.Mkdir(w.path("photos"), 0o700); err != nil {
		t.Fatal(err)
	}
	id := w.add("scan", record, "--on", "path:photos")
	e := w.watch()
	w.awaitSource("inotify", task.SourceUp)
	w.do("list")
	w.storms(func() {
		for i := range stormEvents {
			if err := os.WriteFile(w.path(fmt.Sprintf("photos/%d", i%1000)), []byte(strconv.Itoa(i)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	})
	w.calms(e, id)
}

func TestAStormOfReports(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	id := w.add("opened", record, "--on", "event:none")
	w.storms(func() {
		err := w.user.ReportFacts(w.context(), "door", func(yield func([]task.Fact) bool) {
			for i := range stormEvents {
				if !yield([]task.Fact{{Name: "door/open", Value: task.Value(strconv.Itoa(i))}}) {
					t.Errorf("the source was disconnected after %d reports", i)
					return
				}
			}
			w.awaitFact("door/open", task.Value(strconv.Itoa(stormEvents-1)))
		})
		if err != nil {
			t.Error(err)
		}
	})
	if n := w.info(id).Counts.Runs; n != 0 {
		t.Errorf("%d runs", n)
	}
}

func TestAStormOfRoutes(t *testing.T) {
	w, inside := nsWorld(t)
	if !inside {
		return
	}
	online(t)
	w.start()
	id := w.add("network", record, "--on", "network")
	w.awaitFact(task.FactInternet, task.Yes)
	var batch bytes.Buffer
	for i := range stormEvents / 2 {
		route := fmt.Sprintf("198.18.%d.%d/32 dev up0\n", i>>8&0xff, i&0xff)
		batch.WriteString("route add " + route + "route del " + route)
	}
	w.storms(func() {
		cmd := exec.Command("ip", "-batch", "-")
		cmd.Stdin = &batch
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	})
	if n := w.info(id).Counts.Runs; n != 0 {
		t.Errorf("none of these routes is the network's, and there were %d runs", n)
	}
	sourcetest.IP(t, "link", "set", "far0", "down") // the last change must come through
	w.awaitFact(task.FactInternet, task.No)
}

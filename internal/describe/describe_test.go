//go:build unix

package describe_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bgtask/bgtask"
	"github.com/bgtask/bgtask/internal/describe"
	"github.com/bgtask/bgtask/task"
)

// programEnv turns the test binary into a program to describe; its value selects
// one.
const programEnv = "DESCRIBE_TEST_PROGRAM"

var programs = map[string]func() int{
	"good": good, "silent": silent, "endless": endless, "leaving": leaving, "refused": refused,
}

func TestMain(m *testing.M) {
	if program := programs[os.Getenv(programEnv)]; program != nil {
		os.Exit(program())
	}
	os.Exit(m.Run())
}

var sync, clean = bgtask.MustGUID("b0c5a6f2-6a1d-4c63-8f0e-7a5c5d3f9a11"), bgtask.MustGUID("b0c5a6f2-6a1d-4c63-8f0e-7a5c5d3f9a12")

func builder(name string, class bgtask.GUID) bgtask.Builder {
	return bgtask.Builder{Name: name, EntryPoint: class, Trigger: bgtask.TimeTrigger{Freshness: time.Hour}}
}

// good is a typical program.
func good() int {
	ctx := context.Background()
	if bgtask.Launched() || os.Getenv(describe.Env) == "" {
		return 9
	}
	access, err := bgtask.RequestAccess(ctx)
	if err != nil || access != bgtask.AllowedSubjectToSystemPolicy {
		return 8
	}
	reg, err := builder("Sync", sync).Ensure(ctx)
	if err != nil {
		return 7
	}
	if _, err = builder("Sync", sync).Ensure(ctx); err != nil { // as at every start
		return 6
	}
	if _, err = builder("Report", sync).Register(ctx); err != nil {
		return 5
	}
	if os.Getenv(describe.Env) != "" { // FromEnvironment clears it
		return 4
	}
	if all, err := bgtask.AllTasks(ctx); err != nil || len(all) != 3 {
		return 3
	}
	folder, err := bgtask.LocalFolder(ctx)
	if err != nil || os.WriteFile(filepath.Join(folder, "x"), nil, 0o600) != nil {
		return 2
	}
	if _, err := reg.Why(ctx); !errors.Is(err, task.ErrUnavailable) {
		return 10
	}
	go func() {
		for _, err := range reg.Watch(ctx, "") {
			if err != nil {
				return
			}
		}
	}()
	nothing := bgtask.TaskFunc(func(context.Context, *bgtask.Instance) error { return nil })
	return bgtask.Main(bgtask.Class{CLSID: sync, Task: nothing}, bgtask.Class{CLSID: clean, Task: nothing})
}

func silent() int {
	fmt.Fprintln(os.Stderr, "no display")
	return 3
}

func refused() int {
	if _, err := (bgtask.Builder{Name: "x"}).Register(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return 0
}

// endless registers a task, and then keeps running with a child process.
func endless() int {
	if code := leaving(); code != 0 {
		return code
	}
	select {}
}

// leaving registers a task and leaves a child process behind.
func leaving() int {
	if _, err := builder("Sync", sync).Ensure(context.Background()); err != nil {
		return 1
	}
	child := exec.CommandContext(context.Background(), "sleep", "3600") // outlives this program
	if err := child.Start(); err != nil {
		return 2
	}
	if err := os.WriteFile(os.Getenv("DESCRIBE_TEST_PID"), []byte(strconv.Itoa(child.Process.Pid)), 0o600); err != nil {
		return 3
	}
	return 0
}

func run(ctx context.Context, t *testing.T, program string) (*describe.Description, error) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(programEnv, program)
	return describe.Run(ctx, exe)
}

func TestRun(t *testing.T) {
	d, err := run(t.Context(), t, "good")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range d.Tasks {
		names = append(names, s.Name)
	}
	if want := []string{"Sync", "Report"}; !slices.Equal(names, want) || d.Tasks[0].Trigger != (task.TimeTrigger{Freshness: time.Hour}) {
		t.Errorf("tasks %q with %v", names, d.Tasks[0].Trigger)
	}
	if want := []task.GUID{sync, clean}; !slices.Equal(d.Classes, want) {
		t.Errorf("classes %v, want %v", d.Classes, want)
	}
	if want := []task.GUID{sync}; !slices.Equal(d.Registered(), want) {
		t.Errorf("registered %v, want %v", d.Registered(), want)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "bgtask-describe-*")); len(left) > 0 && os.Getenv("CI") == "true" {
		t.Errorf("left behind: %q", left)
	}
}

func TestRunSaysWhy(t *testing.T) {
	for program, want := range map[string]string{
		"silent":  "it registered no task and served no class: exit status 3; output: no display",
		"refused": "it registered no task and served no class; output: register: ",
	} {
		_, err := run(t.Context(), t, program)
		if err == nil || !strings.Contains(err.Error(), want) || task.Hint(err) == "" {
			t.Errorf("%s: %v", program, err)
		}
	}
	if _, err := describe.Run(t.Context(), "/none/there"); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("no program: %v", err)
	}
}

// A program that keeps running is described by what it did, and killed together
// with its children.
func TestRunEnds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	t.Setenv("DESCRIBE_TEST_PID", file)
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			if data, _ := os.ReadFile(file); len(data) > 0 {
				stop()
			}
			time.Sleep(5 * time.Millisecond) // polling, because the program does not know about the test
		}
	}()
	d, err := run(ctx, t, "endless")
	if err != nil || len(d.Tasks) != 1 {
		t.Fatalf("%v %v", d, err)
	}
	checkEnded(t, file)
}

// Processes that a program leaves behind are killed.
func TestRunLeavesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	t.Setenv("DESCRIBE_TEST_PID", file)
	if d, err := run(t.Context(), t, "leaving"); err != nil || len(d.Tasks) != 1 {
		t.Fatalf("%v %v", d, err)
	}
	checkEnded(t, file)
}

// checkEnded waits until the process whose pid is in the file has ended.
func checkEnded(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(data))
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(stat), ") Z ") || syscall.Kill(pid, 0) != nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the child is still running")
		}
	}
}

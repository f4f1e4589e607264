//go:build linux

package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/internal/needs"
	"github.com/bgtask/bgtask/task"
)

func TestParseStat(t *testing.T) {
	line := "42 (a) S (b\n) Z 7 40 39 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 12345 1 2 3\n"
	got, err := parseStat([]byte(line))
	want := proc{pid: 42, parent: 7, group: 40, session: 39, state: 'Z', threads: 3, flags: 4194560, start: 12345}
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if got.dead() {
		t.Error("dead, though other threads run")
	}
}

// The result is compared with ps.
func TestReadProcAgreesWithPS(t *testing.T) {
	p, err := readProc(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ps", "-o", "pid=,ppid=,pgid=,sid=", "-p", strconv.Itoa(os.Getpid())).Output()
	if errors.Is(err, exec.ErrNotFound) {
		needs.Missing(t, "ps", needs.Package("procps"))
	}
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, n := range []int{p.pid, p.parent, p.group, p.session} {
		want = append(want, strconv.Itoa(n))
	}
	if diff := cmp.Diff(want, strings.Fields(string(out))); diff != "" {
		t.Errorf("-we +ps:\n%s", diff)
	}
}

func FuzzParseStat(f *testing.F) {
	own, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(own)
	f.Add([]byte("1 (x) S"))
	f.Add([]byte(")1("))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parseStat(b)
		if err != nil {
			return
		}
		line := fmt.Sprintf("%d (%s) %c %d %d %d 0 0 %d%s %d 0 %d", p.pid, ") (", p.state, p.parent, p.group, p.session, p.flags,
			strings.Repeat(" 0", 10), p.threads, p.start)
		if again, err := parseStat([]byte(line)); err != nil || again != p {
			t.Errorf("%q gives %+v, written anew %+v, %v", b, p, again, err)
		}
	})
}

func TestVariable(t *testing.T) {
	env := []byte("A=1\x00BB\x00B=\x00B=2\x00AB=3=4")
	for name, want := range map[string]string{"A": "1", "B": "", "AB": "3=4", "BB": "", "C": ""} {
		if got := variable(env, name); got != want {
			t.Errorf("variable(%s) = %q, want %q", name, got, want)
		}
	}
}

func FuzzVariable(f *testing.F) {
	f.Add([]byte("A=1\x00B=2\x00"), "B")
	f.Fuzz(func(t *testing.T, env []byte, name string) {
		if v := variable(env, name); v != "" && !bytes.Contains(env, []byte(name+"="+v)) {
			t.Errorf("%q is not in %q", v, env)
		}
	})
}

// In these tables the leader has pid 100 and was started at 50; 1 is init, and 9 is this
// program.
var (
	theLeader = proc{pid: 100, parent: 9, group: 100, session: 100, state: 'S', start: 50}
	theZombie = proc{pid: 100, parent: 9, group: 100, session: 100, state: 'Z', threads: 1, start: 50}
	reusedPID = proc{pid: 100, parent: 1, group: 100, session: 100, state: 'S', start: 99}
)

var membersTests = []struct {
	name     string
	procs    []proc
	carriers []int
	seen     map[int]uint64
	want     []int
}{
	{
		name:  "its session and its descendants",
		procs: []proc{theLeader, {pid: 101, parent: 9, session: 100, start: 51}, {pid: 102, parent: 101, session: 102, start: 52}, {pid: 103, parent: 1, session: 3, start: 53}},
		want:  []int{100, 101, 102},
	},
	{
		name:  "children of a later number that come first in the table",
		procs: []proc{{pid: 90, parent: 95, start: 60}, {pid: 95, parent: 100, start: 55}, theLeader},
		want:  []int{100, 95, 90},
	},
	{
		name:  "a zombie holds its session's number",
		procs: []proc{theZombie, {pid: 101, parent: 9, session: 100, start: 51}},
		want:  []int{100, 101},
	},
	{
		name:  "another's session has the leader's number",
		procs: []proc{reusedPID, {pid: 101, parent: 100, session: 100, start: 100}},
	},
	{
		name:  "the leader is gone, and nothing proves that the session is ours",
		procs: []proc{{pid: 101, parent: 9, session: 100, start: 51}},
	},
	{
		name:     "a carrier in the session proves it",
		procs:    []proc{{pid: 101, parent: 9, session: 100, start: 51}, {pid: 102, parent: 9, session: 100, start: 52}},
		carriers: []int{102},
		want:     []int{101, 102},
	},
	{
		name:     "a carrier in the user's session takes only its children along",
		procs:    []proc{theLeader, {pid: 201, parent: 200, session: 200, start: 60}, {pid: 202, parent: 201, session: 200, start: 61}, {pid: 203, parent: 200, session: 200, start: 62}},
		carriers: []int{201},
		want:     []int{100, 201, 202},
	},
	{
		name:  "seen before",
		procs: []proc{theLeader, {pid: 300, parent: 9, session: 300, start: 70}},
		seen:  map[int]uint64{300: 70},
		want:  []int{100, 300},
	},
	{
		name:  "the pid was seen before, and is another's now",
		procs: []proc{theLeader, {pid: 300, parent: 9, session: 300, start: 71}},
		seen:  map[int]uint64{300: 70},
		want:  []int{100},
	},
	{
		name:     "never ourselves, init, or what is older",
		procs:    []proc{theLeader, {pid: 9, parent: 100, session: 100, start: 60}, {pid: 10, parent: 9, start: 61}, {pid: 1, parent: 0, start: 60}, {pid: 11, parent: 1, start: 49}},
		carriers: []int{9, 1, 11},
		want:     []int{100},
	},
}

func TestMembers(t *testing.T) {
	for _, test := range membersTests {
		t.Run(test.name, func(t *testing.T) {
			tree := tree{leader: task.Process{PID: 100, Start: 50}, seen: test.seen}
			marked := map[int]bool{}
			for _, pid := range test.carriers {
				marked[pid] = true
			}
			got := pids(tree.members(test.procs, 9, marked))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

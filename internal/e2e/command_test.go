//go:build linux

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/bgtask/bgtask/internal/needs"
	"github.com/bgtask/bgtask/task"
)

// add adds a command task that runs a shell script; more are flags of add.
func (w *world) add(name, script string, more ...string) task.GUID {
	w.t.Helper()
	w.do(append(append([]string{"add", name}, more...), "--", "/bin/sh", "-c", script)...)
	return w.find(name)
}

func (w *world) find(name string) task.GUID {
	w.t.Helper()
	for _, info := range w.list() {
		if info.Spec.Name == name {
			return info.TaskID
		}
	}
	w.t.Fatalf("there is no task %q", name)
	return task.GUID{}
}

func TestHowCommandsEnd(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	e := w.watch()
	for _, test := range []struct {
		name, script string
		flags        []string
		outcome      task.Outcome
		exit, text   string
	}{
		{"good", "exit 0", nil, task.Completed, "exit 0", ""},
		{"bad", "echo the disk is full >&2; exit 3", nil, task.Failed, "exit 3", "the disk is full"},
		{"again", "exit 75", nil, task.RetryAsked, "exit 75", ""},
		{"any", "exit 3", []string{"--retry", "3"}, task.RetryAsked, "exit 3", ""},
		{"killed", "kill -KILL $$", nil, task.Crashed, "signal killed", ""},
	} {
		id := w.add(test.name, test.script, test.flags...)
		n := w.fire(id, "")
		run := e.runEnded(id, n, 1)
		if run.Outcome != test.outcome || run.Exit != test.exit || !strings.Contains(run.Text, test.text) {
			t.Errorf("%s: %v, exit %q, text %q", test.name, run.Outcome, run.Exit, run.Text)
		}
	}
	id := w.find("any")
	for attempt := 2; attempt <= 3; attempt++ {
		w.resume(id)
		e.runEnded(id, 1, attempt)
	}
	if end := e.end(id, 1); end.End != task.EndGaveUp {
		t.Errorf("after all attempts: %v", end.End)
	}
	w.do("resume", "again")
	e.runEnded(w.find("again"), 1, 2)
}

// TestWhatACommandIsGiven compares the environment of a command with that in which the
// task was added.
func TestWhatACommandIsGiven(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	secrets := w.write("secrets", "# for the run alone\nTOKEN='s3cret'\n")
	w.write("work/here", "")
	report := `pwd; umask; readlink /proc/self/fd/0; cat; printf '%s|' "$@"; echo; env | sort`
	cmd := w.command("/bin/sh", "-c", `umask 027; exec "$0" add given --env GREETING='hello  world' --env-file "$1" -- /bin/sh -c "$2" sh 'one  two' '*' '$HOME'`, w.binary, secrets, report)
	cmd.Dir = w.path("work")
	cmd.Env = append(cmd.Env, "PATH="+os.Getenv("PATH")+":"+w.path("bin"), "SSH_AUTH_SOCK=/agent", "DISPLAY=:7", "LC_TIME=C", "OTHER=not-given")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	id := w.find("given")
	e := w.watch()
	n := w.fire(id, "")
	if run := e.runEnded(id, n, 1); run.Outcome != task.Completed {
		t.Fatalf("it ended %v: %s %s", run.Outcome, run.Text, run.Stderr)
	}
	output := w.do("logs", "given")
	for _, line := range []string{
		w.path("work"), "0027", "/dev/null", "one  two|*|$HOME|",
		"BGTASK_ATTEMPT=1", "BGTASK_OCCURRENCE=1", "BGTASK_TASK=given", "GREETING=hello  world", "TOKEN=s3cret",
		"HOME=" + w.dir, "LANG=C.UTF-8", "LC_TIME=C", "XDG_RUNTIME_DIR=" + w.path("run"), "PATH=" + os.Getenv("PATH") + ":" + w.path("bin"),
	} {
		if !strings.Contains("\n"+output, "\n"+line+"\n") {
			t.Errorf("it was not given %q", line)
		}
	}
	for _, words := range []string{"SSH_AUTH_SOCK", "DISPLAY", "OTHER", task.LaunchEnv + "=", "NOTIFY_SOCKET"} {
		if strings.Contains(output, "\n"+words) {
			t.Errorf("it was given %s", words)
		}
	}
	if t.Failed() {
		t.Log(output)
	}
	w.write("secrets", "TOKEN=another\n")
	n = w.fire(id, "")
	e.end(id, n)
	if output := w.do("logs", "given"); !strings.Contains(output, "TOKEN=another") || strings.Contains(output, "s3cret") {
		t.Error("the environment file is not read at each launch")
	}
	for _, words := range []string{"s3cret", "another", "hello  world"} {
		if strings.Contains(w.do("history", "given", "--json")+w.do("why", "given")+string(w.brokerLog()), words) {
			t.Errorf("%q is visible outside the run", words)
		}
	}
	if show := w.do("show", "given"); !strings.Contains(show, "hello  world") || strings.Contains(show, "another") {
		t.Errorf("show says\n%s", show)
	}
}

// TestTheChildrenOfACommand checks that a command is over when its process group is
// gone, and that processes which left the group end with the launch.
func TestTheChildrenOfACommand(t *testing.T) {
	needs.Time(t)
	t.Parallel()
	w := startWorld(t, "")
	e := w.watch()
	pids := func() (pids []int) {
		for _, f := range w.lines("child") {
			pid, _ := strconv.Atoi(f[1])
			pids = append(pids, pid)
		}
		return pids
	}
	app := w.program(w.path("packages/Child/" + appName))
	start := `trap '' HUP
for kind in plain deaf daemon; do "$0" child $kind "$HOME/journal" 3>/dev/null & done
while [ "$(grep -c ^child "$HOME/journal" 2>/dev/null)" != 3 ]; do sleep 0.01; done
exit 0`
	w.do("add", "parent", "--", "/bin/sh", "-c", start, app)
	id := w.find("parent")
	n := w.fire(id, "")
	if run := e.runEnded(id, n, 1); run.Outcome != task.Completed {
		t.Errorf("it ended %v: %s", run.Outcome, run.Text)
	}
	if len(pids()) != 3 {
		t.Fatalf("the journal has the children %v", pids())
	}
	for _, pid := range pids() {
		eventually(t, "child "+strconv.Itoa(pid)+" is gone", func() bool { return gone(pid) })
	}
}

func TestACommandIsCanceled(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "cancel_grace = \"500ms\"\n")
	e := w.watch()
	polite := w.add("polite", "trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done")
	deaf := w.add("deaf", "trap '' TERM; echo ready; while :; do sleep 0.01; done")
	for _, id := range []task.GUID{polite, deaf} {
		n := w.fire(id, "")
		e.running(id, n)
		eventually(t, "the command has set its trap", func() bool { return strings.Contains(w.do("logs", id.String()), "ready") })
		if err := w.user.Cancel(w.context(), id, task.ReasonAbort, false); err != nil {
			t.Fatal(err)
		}
		run := e.runEnded(id, n, 1)
		if run.Outcome != task.Canceled || run.Reason != task.ReasonAbort || run.Forced != (id == deaf) {
			t.Errorf("%s ended %v, %v, forced %v", run.Name, run.Outcome, run.Reason, run.Forced)
		}
		if end := e.end(id, n); end.End != task.EndCanceled {
			t.Errorf("%s: the occurrence ended %v", run.Name, end.End)
		}
	}
	eventually(t, "the commands are gone", func() bool { return !w.serving("trap") })
}

func TestLogsOfARun(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	e := w.watch()
	id := w.add("talks", `echo "out $BGTASK_OCCURRENCE"; echo "err $BGTASK_OCCURRENCE" >&2`)
	var runs []task.Run
	for range 3 {
		n := w.fire(id, "")
		runs = append(runs, e.runEnded(id, n, 1))
		e.end(id, n)
	}
	for i, run := range runs {
		output := w.do("logs", "talks", "--run", run.ID.String())
		for k := range runs {
			number := strconv.Itoa(k + 1)
			if has := strings.Contains(output, "out "+number) && strings.Contains(output, "err "+number); has != (k == i) {
				t.Errorf("the output of run %d: %q", i+1, output)
			}
		}
	}
	if all := w.do("logs", "talks", "-n", "0"); strings.Count(all, "out ") != 3 {
		t.Errorf("all output: %q", all)
	}
}

func TestACommandThatIsGone(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	e := w.watch()
	tool := w.write("bin/tool", "#!/bin/sh\nexit 0\n")
	if err := os.Chmod(tool, 0o700); err != nil {
		t.Fatal(err)
	}
	w.do("add", "tool", "--", tool)
	id := w.find("tool")
	if err := os.Remove(tool); err != nil {
		t.Fatal(err)
	}
	n := w.fire(id, "")
	if run := e.runEnded(id, n, 1); run.Outcome == task.Completed || !strings.Contains(run.Text+run.Stderr, tool) {
		t.Errorf("it ended %v: %q %q", run.Outcome, run.Text, run.Stderr)
	}
	if _, err := exec.LookPath(filepath.Base(tool)); err == nil {
		t.Error("another task of that name exists")
	}
}

//go:build linux

package process

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/task"
)

// helperArg makes the test program play a server, or what a server starts. Its
// arguments are helperArg, the path of a pipe to report to, and a mode with its
// own arguments. The mode is an argument, because some modes clear the environment.
const helperArg = "-play"

func TestMain(m *testing.M) {
	if len(os.Args) > 3 && os.Args[1] == helperArg {
		helper{pipe: os.Args[2]}.play(os.Args[3], os.Args[4:])
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

type helper struct{ pipe string }

func (h helper) play(mode string, args []string) {
	modes := map[string]func(args []string){
		"exit":     h.exit,
		"hang":     h.hang,
		"stubborn": h.stubborn,
		"print":    h.print,
		"start":    h.start,
		"detach":   h.detach,
		"show":     h.show,
		"broker":   h.broker,
		"init":     h.init,
		"chatter":  h.chatter,
	}
	modes[mode](args)
}

// report sends the test a line: a name, the pid, and more.
func (h helper) report(words ...any) {
	f, err := os.OpenFile(h.pipe, os.O_WRONLY, 0)
	must(err)
	defer f.Close()
	_, err = fmt.Fprintln(f, append([]any{words[0], os.Getpid()}, words[1:]...)...)
	must(err)
}

// forever blocks without a select, which the runtime would report as a deadlock.
func forever() {
	for {
		_ = unix.Pause() // returns after a signal
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "helper:", err)
		os.Exit(99)
	}
}

func (helper) exit(args []string) {
	code, err := strconv.Atoi(args[0])
	must(err)
	os.Exit(code)
}

// hang reports as args[0] and lives until a signal ends it.
func (h helper) hang(args []string) {
	h.report(args[0])
	forever()
}

// stubborn is hang that SIGTERM does not end.
func (h helper) stubborn(args []string) {
	signal.Ignore(unix.SIGTERM)
	h.report(args[0])
	forever()
}

// print writes args[0] numbered lines to standard error, then exits with args[1].
func (h helper) print(args []string) {
	n, err := strconv.Atoi(args[0])
	must(err)
	w := bufio.NewWriter(os.Stderr)
	for i := range n {
		fmt.Fprintf(w, "line %d of the last words\n", i)
	}
	must(w.Flush())
	h.exit(args[1:])
}

// start starts another helper, given after the options, then becomes what follows
// "then" at the front. Options: setsid, clearenv, unlaunched (as the SDK leaves the
// environment), quiet (no output).
func (h helper) start(args []string) {
	then, args := args[0], args[1:]
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{os.Args[0], helperArg, h.pipe}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	for {
		switch args[0] {
		case "setsid":
			cmd.SysProcAttr.Setsid = true
		case "clearenv":
			cmd.Env = []string{}
		case "unlaunched":
			must(os.Unsetenv(task.LaunchEnv))
		case "quiet":
			cmd.Stdout, cmd.Stderr = nil, nil
		default:
			cmd.Args = append(cmd.Args, args...)
			must(cmd.Start())
			if then == "leave" {
				return
			}
			h.play("hang", []string{then})
		}
		args = args[1:]
	}
}

// detach is the classic daemon: a new session, from it a second child, and the
// first one leaves.
func (h helper) detach(args []string) {
	h.start(append([]string{"leave"}, args...))
}

// show prints what a server finds: its directory, session, standard input and environment.
func (h helper) show([]string) {
	dir, err := os.Getwd()
	must(err)
	sid, err := unix.Getsid(0)
	must(err)
	in, err := os.Readlink("/proc/self/fd/0")
	must(err)
	fmt.Println("dir", dir, "session", sid == os.Getpid(), "stdin", in)
	for _, e := range os.Environ() {
		fmt.Println(e)
	}
}

// broker is a supervisor in a separate process: it starts a server that hangs, with
// the token args[2] and the state args[1], output in args[0], and hangs itself.
func (h helper) broker(args []string) {
	supervisor, err := New(Options{OutputDir: args[0], StateID: args[1]})
	must(err)
	go supervisor.Run(context.Background())
	token, ok := tokenOf(args[2])
	if !ok {
		must(fmt.Errorf("bad token %q", args[2]))
	}
	server := task.ClassServer{Executable: os.Args[0], Arguments: append([]string{helperArg, h.pipe}, args[3:]...)}
	p, err := supervisor.Start(context.Background(), server, token, os.Environ(), Callbacks{})
	must(err)
	h.report("broker", p.PID, p.Start)
	forever()
}

// init starts another helper and reaps all orphans that come to it.
func (h helper) init(args []string) {
	must(unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
	cmd := exec.Command(os.Args[0], append([]string{helperArg, h.pipe}, args...)...)
	cmd.Stderr = os.Stderr
	must(cmd.Start())
	h.report("init")
	for {
		if _, err := unix.Wait4(-1, nil, 0, nil); err != nil && err != unix.EINTR {
			forever() // the test ends this process
		}
	}
}

// chatter writes its standard input's worth of output: args[0] MiB, reports, and
// hangs.
func (h helper) chatter(args []string) {
	n, err := strconv.Atoi(args[0])
	must(err)
	line := strings.Repeat("x", 1023) + "\n"
	w := bufio.NewWriterSize(os.Stdout, 1<<20)
	for range n << 10 {
		w.WriteString(line)
	}
	w.WriteString("the end\n")
	must(w.Flush())
	h.hang([]string{"chatter"})
}

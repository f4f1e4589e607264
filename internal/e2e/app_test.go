//go:build linux

package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/bgtask/bgtask"
)

// appName is the name of the test binary when it is the program of a package.
const appName = "app"

// appMain is the main function of that program. Its first argument is the mode.
func appMain(args []string) int {
	mode := "serve"
	if len(args) > 0 {
		mode, args = args[0], args[1:]
	}
	switch mode {
	case "serve", "open":
		return appServe(args)
	case "exit": // before any class is registered: exit CODE WORDS
		fmt.Fprintln(os.Stderr, strings.Join(args[1:], " "))
		code, _ := strconv.Atoi(args[0])
		return code
	case "late":
		return appLate(args)
	case "hang": // without a class
		forever()
	case "once": // makes one request to the broker and exits
		if _, err := bgtask.AllTasks(context.Background()); err != nil {
			return fail(err)
		}
		return 0
	case "implied": // a program without a package: it registers its task and serves it
		return appImplied(args)
	case "child":
		return appChild(args)
	case "command":
		return appCommand(args)
	}
	fmt.Fprintln(os.Stderr, "no such mode:", mode)
	return 2
}

// appServe serves the classes until its context ends.
func appServe(args []string) int {
	flags := flag.NewFlagSet(appName, flag.ExitOnError)
	linger := flags.Duration("linger", 0, "")
	only := flags.String("class", "", "")
	flags.Parse(args)
	s := &bgtask.Server{Linger: *linger}
	for _, c := range []bgtask.Class{{CLSID: manyClass}, {CLSID: otherClass}, {CLSID: singleClass, SingleUse: true}} {
		if c.Task = bgtask.TaskFunc(appRun); *only == "" || c.CLSID.String() == *only {
			s.Classes = append(s.Classes, c)
		}
	}
	return serve(s)
}

func serve(s *bgtask.Server) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := s.Serve(ctx); err != nil {
		return fail(err)
	}
	return 0
}

// appImplied registers a task for an event and serves it.
func appImplied(args []string) int {
	b := bgtask.Builder{Name: args[0], EntryPoint: manyClass, Trigger: bgtask.CustomSystemEventTrigger{ID: args[1], Recurrence: bgtask.Always}}
	if _, err := b.Ensure(context.Background()); err != nil {
		return fail(err)
	}
	return appServe(nil)
}

// appRun does what the trigger's details ask for, between two lines in the journal.
func appRun(ctx context.Context, i *bgtask.Instance) error {
	verb, arg, _ := strings.Cut(scriptOf(i), " ")
	leave := enter(i)
	defer leave()
	if _, ok := i.TriggerDetails().(bgtask.SocketActivityTriggerDetails); ok {
		return appAnswer(i)
	}
	switch verb {
	case "fail":
		return errors.New(arg)
	case "retry":
		return bgtask.Retry(errors.New(arg))
	case "work":
		d, err := time.ParseDuration(arg)
		time.Sleep(d) // this is the work
		return err
	case "hang": // until it is canceled
		i.SetProgress(1)
		<-ctx.Done()
		return context.Cause(ctx)
	case "stuck": // does not react to its cancellation
		signal.Ignore(syscall.SIGTERM)
		i.SetProgress(1)
		forever()
	case "gate": // until the test opens it
		i.SetProgress(1)
		_, err := os.ReadFile(inHome(arg))
		return err
	case "save":
		if old := i.Checkpoint(); old != nil {
			note("checkpoint %s", old)
			return nil
		}
		if err := i.SaveCheckpoint([]byte(arg)); err != nil {
			return err
		}
		return bgtask.Retry(errors.New("saved"))
	case "children":
		return appChildren(strings.Fields(arg))
	case "once": // the first attempt does as asked, the others succeed
		if i.Attempt() == 1 {
			return appFirst(arg)
		}
	case "panic", "die", "segv", "kill", "exit":
		appCrash(verb, arg)
	}
	return nil
}

func appFirst(how string) error {
	switch how {
	case "retry":
		return bgtask.Retry(errors.New("once more"))
	case "fail":
		return errors.New("this is an error")
	}
	appCrash(how, "3")
	return nil
}

func appCrash(verb, arg string) {
	switch verb {
	case "panic":
		panic(arg)
	case "die":
		go func() { panic(arg) }()
	case "segv":
		signal.Reset(syscall.SIGSEGV)
		syscall.Kill(os.Getpid(), syscall.SIGSEGV)
	case "kill":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "exit":
		fmt.Fprintln(os.Stderr, "these are the last words")
		code, _ := strconv.Atoi(arg)
		os.Exit(code)
	}
	forever() // it is killed now
}

// scriptOf returns what the run is asked to do.
func scriptOf(i *bgtask.Instance) string {
	switch d := i.TriggerDetails().(type) {
	case bgtask.ManualDetails:
		return string(d.Arguments)
	case bgtask.ApplicationTriggerDetails:
		return string(d.Arguments)
	case bgtask.CustomSystemEventTriggerDetails:
		return string(d.Payload)
	}
	return ""
}

func inHome(rel string) string { return filepath.Join(os.Getenv("HOME"), rel) }

// appChildren starts children of each kind, and returns when all are running.
func appChildren(kinds []string) error {
	here, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer here.Close()
	for _, kind := range kinds {
		cmd := childCommand(kind, theirs)
		if err := cmd.Start(); err != nil {
			return err
		}
		go cmd.Wait()
	}
	theirs.Close()
	_, err = io.ReadAll(here)
	return err
}

// childCommand is a child that tries to get away from its parent.
func childCommand(kind string, ready *os.File) *exec.Cmd {
	self, _ := os.Executable()
	cmd := exec.Command(self, "child", kind, inHome("journal"))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{ready}
	switch kind {
	case "group":
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	case "session", "deaf":
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	case "silent":
		cmd.Stdout, cmd.Stderr = nil, nil
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	case "bare":
		cmd.Env = []string{"NOTHING=1"}
	}
	return cmd
}

// appChild writes to the journal that it is alive, and stays.
func appChild(args []string) int {
	kind, path := args[0], args[1]
	ready := os.NewFile(3, "ready")
	switch kind {
	case "daemon": // forks again in a new session, and exits
		cmd := exec.Command(os.Args[0], "child", "deaf", path)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		cmd.ExtraFiles = []*os.File{ready}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := cmd.Start(); err != nil {
			return fail(err)
		}
		return 0
	case "deaf":
		signal.Ignore(syscall.SIGTERM, syscall.SIGHUP)
	}
	noteIn(path, "child %s %d", kind, os.Getpid())
	ready.Close()
	forever()
	return 0
}

// forever blocks for longer than any test takes. (The runtime would report an empty
// select as a deadlock if nothing else were running.)
func forever() { time.Sleep(24 * time.Hour) }

// appLate serves once a gate has been opened.
func appLate(args []string) int {
	if _, err := os.ReadFile(inHome(args[0])); err != nil {
		return fail(err)
	}
	return appServe([]string{"-linger", "200ms"})
}

// appCommand runs as the command of a command task.
func appCommand(args []string) int {
	number, _ := strconv.ParseUint(os.Getenv("BGTASK_OCCURRENCE"), 10, 64)
	attempt, _ := strconv.Atoi(os.Getenv("BGTASK_ATTEMPT"))
	id := nameID(os.Getenv("BGTASK_TASK"))
	leave := enterAs(stay{task: id, number: number, attempt: attempt, instance: nameID(fmt.Sprint(id, number, attempt)), pid: os.Getpid()})
	defer leave()
	switch {
	case len(args) == 0:
	case args[0] == "once" && attempt == 1:
		return 75
	}
	return 0
}

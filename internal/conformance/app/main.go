// app is the application of the conformance suite: a program that uses only the SDK.
// The name of a task determines what its run does.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/bgtask/bgtask"
	"github.com/bgtask/bgtask/internal/conformance/classes"
	"github.com/bgtask/bgtask/task"
)

func main() {
	if path := os.Getenv(classes.LogEnv); path != "" && os.Args[1] == "serve" {
		logTo(path)
	}
	if err := command(os.Args[1], os.Args[2:]); err != nil {
		fmt.Println(task.Code(err))
		fmt.Fprintln(os.Stderr, "app:", err)
		os.Exit(3)
	}
}

// logTo keeps the output of a server, because a server that COM starts has no stderr.
func logTo(path string) {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	os.Stderr = file
	slog.SetDefault(slog.New(slog.NewTextHandler(file, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err := debug.SetCrashOutput(file, debug.CrashOptions{}); err != nil {
		panic(err)
	}
}

func command(verb string, args []string) error {
	ctx := context.Background()
	switch verb {
	case "serve":
		return serve(args)
	case "open": // started by the user
		return server(0).Serve(ctx)
	case "register":
		return register(ctx, args)
	case "list":
		return list(ctx, args)
	case "watch":
		return named(ctx, args[0], func(r *bgtask.Registration) error { return watch(ctx, r) })
	case "request":
		return named(ctx, args[0], func(r *bgtask.Registration) error {
			_, err := r.Request(ctx, []byte(args[1]))
			return err
		})
	case "unregister":
		return named(ctx, args[0], func(r *bgtask.Registration) error { return r.Unregister(ctx, len(args) > 1) })
	}
	return fmt.Errorf("there is no command %q", verb)
}

func server(linger time.Duration) *bgtask.Server {
	return &bgtask.Server{Linger: linger, Classes: []bgtask.Class{
		{CLSID: classes.Many, Task: bgtask.TaskFunc(run)}, {CLSID: classes.Single, Task: bgtask.TaskFunc(run), SingleUse: true},
	}}
}

// serve gets its arguments from the manifest, where each class is in its own server.
func serve(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	linger := flags.Duration("linger", 0, "")
	class := flags.String("class", "", "")
	flags.Parse(args)
	s := server(*linger)
	all := s.Classes
	s.Classes = nil
	for _, c := range all {
		if c.CLSID.String() == *class {
			s.Classes = append(s.Classes, c)
		}
	}
	return s.Serve(context.Background())
}

func register(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("register", flag.ExitOnError)
	ensure := flags.Bool("ensure", false, "")
	every := flags.Duration("every", 0, "use a TimeTrigger instead of an ApplicationTrigger")
	group := flags.String("group", "", "")
	single := flags.Bool("single", false, "")
	loss := flags.Bool("cancel-on-loss", false, "")
	flags.Parse(args)
	b := bgtask.Builder{Name: flags.Arg(0), EntryPoint: classes.Many, Trigger: bgtask.ApplicationTrigger{}, Group: *group, CancelOnConditionLoss: *loss}
	if *single {
		b.EntryPoint = classes.Single
	}
	if *every != 0 {
		b.Trigger = bgtask.TimeTrigger{Freshness: *every}
	}
	how := b.Register
	if *ensure {
		how = b.Ensure
	}
	r, err := how(ctx)
	if err == nil {
		fmt.Println(r.TaskID())
	}
	return err
}

func list(ctx context.Context, groups []string) error {
	all, err := bgtask.AllTasks(ctx, groups...)
	for _, r := range all {
		fmt.Println(r.TaskID(), r.Name())
	}
	return err
}

// named calls f with the task of that name.
func named(ctx context.Context, name string, f func(*bgtask.Registration) error) error {
	all, err := bgtask.AllTasks(ctx)
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.Name() == name {
			return f(r)
		}
	}
	return bgtask.ErrNotRegistered
}

// watch writes the task's events, one JSON object per line, until the first run has
// ended.
func watch(ctx context.Context, r *bgtask.Registration) error {
	out := json.NewEncoder(os.Stdout)
	fmt.Println("watching")
	for event, err := range r.Watch(ctx, "") {
		if err != nil {
			return err
		}
		if event.Run == nil {
			continue
		}
		if err := out.Encode(classes.Seen{Progress: event.Run.Progress, Outcome: event.Run.Outcome.String()}); err != nil {
			return err
		}
		if event.Kind == bgtask.EventEnded {
			return nil
		}
	}
	return errors.New("the watch ended early")
}

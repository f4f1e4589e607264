package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bgtask/bgtask"
	"github.com/bgtask/bgtask/internal/conformance/classes"
)

// run does what the task's name asks for, between two lines in the journal.
func run(ctx context.Context, i *bgtask.Instance) error {
	note(i, "entered", nil)
	defer note(i, "left", nil)
	verb, _, _ := strings.Cut(i.Task().Name(), "-")
	switch verb {
	case "fail":
		return errors.New("this is an error")
	case "panic":
		panic("this is a panic")
	case "hang": // until it is canceled
		i.Canceled(func(i *bgtask.Instance, reason bgtask.CancellationReason) { note(i, "canceled", reason) })
		i.SetProgress(1)
		<-ctx.Done()
		return context.Cause(ctx)
	case "late": // the handler comes after the cancel
		i.SetProgress(1)
		<-ctx.Done()
		i.Canceled(func(i *bgtask.Instance, reason bgtask.CancellationReason) { note(i, "late", reason) })
		return context.Cause(ctx)
	case "gate":
		i.SetProgress(1)
		return gate(ctx, i, "gate")
	case "progress":
		return progress(ctx, i)
	case "defer":
		return deferred(ctx, i, "first")
	case "defers":
		return deferred(ctx, i, "first", "second", "third")
	}
	return nil
}

// gate waits until the suite has created the file.
func gate(ctx context.Context, i *bgtask.Instance, name string) error {
	for {
		if _, err := os.Stat(filepath.Join(i.LocalFolder(), name)); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func progress(ctx context.Context, i *bgtask.Instance) error {
	for value := range uint32(4) {
		i.SetProgress(value * 25)
		time.Sleep(20 * time.Millisecond)
	}
	i.SetProgress(100)
	return gate(ctx, i, "gate")
}

// deferred returns while its work continues. Each part is done when its gate is open.
func deferred(ctx context.Context, i *bgtask.Instance, gates ...string) error {
	for _, name := range gates {
		d := i.GetDeferral()
		go func() {
			err := gate(ctx, i, name)
			note(i, "completed "+name, nil)
			d.Fail(err)
		}()
	}
	i.SetProgress(1)
	return nil
}

var journal sync.Mutex

// note writes a line to the journal.
func note(i *bgtask.Instance, what string, reason error) {
	journal.Lock()
	defer journal.Unlock()
	line := classes.Line{At: time.Now(), What: what, Task: i.Task().Name(), Instance: i.InstanceID(), PID: os.Getpid(), Arguments: os.Args[1:]}
	if d, ok := i.TriggerDetails().(bgtask.ApplicationTriggerDetails); ok {
		line.Payload = string(d.Arguments)
	}
	if why := bgtask.CancellationReason(0); errors.As(reason, &why) {
		line.Reason = why.String()
	}
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	path := filepath.Join(i.LocalFolder(), classes.Journal(strconv.Itoa(os.Getpid())))
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	if _, err := file.Write(append(text, '\n')); err != nil {
		panic(err)
	}
}

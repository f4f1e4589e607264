// Notes keeps a folder of notes in step with a server, and tidies its cache at night.
package main

import (
	"context"
	"errors"
	"log"
	"os"
	"time"

	"github.com/bgtask/bgtask"
)

var sync = bgtask.Builder{
	Name:                  "SyncNotes",
	EntryPoint:            bgtask.MustGUID("b0c5a6f2-6a1d-4c63-8f0e-7a5c5d3f9a11"),
	Trigger:               bgtask.TimeTrigger{Freshness: 30 * time.Minute},
	Conditions:            []bgtask.Condition{bgtask.InternetAvailable, bgtask.BatteryNotLow},
	CancelOnConditionLoss: true,    // offline: canceled; online again: it goes on
	Exclusive:             "store", // never beside TidyCache
	Retry:                 bgtask.RetryPolicy{Attempts: 8, First: 30 * time.Second},
	RunLimit:              10 * time.Minute,
}

var tidy = bgtask.Builder{
	Name:       "TidyCache",
	EntryPoint: bgtask.MustGUID("b0c5a6f2-6a1d-4c63-8f0e-7a5c5d3f9a12"),
	Trigger:    bgtask.CalendarTrigger{Expr: "daily"},
	Conditions: []bgtask.Condition{bgtask.ACPower, bgtask.DeviceIdle},
	Hold:       bgtask.Hold{AtMost: 72 * time.Hour, Then: bgtask.RunAnyway},
	Exclusive:  "store",
}

func main() {
	if !bgtask.Launched() {
		for _, b := range []bgtask.Builder{sync, tidy} {
			if _, err := b.Ensure(context.Background()); err != nil {
				log.Fatal(err)
			}
		}
	}
	os.Exit(bgtask.Main(
		bgtask.Class{CLSID: sync.EntryPoint, Task: Syncer{Server: "https://notes.example"}},
		bgtask.Class{CLSID: tidy.EntryPoint, Task: bgtask.TaskFunc(tidyCache)}))
}

// Syncer is an ordinary struct. Its fields are what the task needs from the application.
type Syncer struct{ Server string }

// Run implements bgtask.Task.
func (s Syncer) Run(ctx context.Context, instance *bgtask.Instance) error {
	notes, err := changed(instance.LocalFolder(), instance.Checkpoint()) // those after the checkpoint, if there is one
	if err != nil {
		return err
	}
	for i, note := range notes {
		switch err := s.upload(ctx, note); {
		case err == nil:
		case ctx.Err() != nil:
			return context.Cause(ctx) // Canceled; after ConditionLoss the rest follows when online again
		case errors.Is(err, errRejected):
			return err // Failed: another attempt would end the same way
		default:
			return bgtask.Retry(err) // back-off; the next attempt starts at the checkpoint
		}
		if err := instance.SaveCheckpoint([]byte(note)); err != nil {
			return err
		}
		instance.SetProgress(uint32(100 * (i + 1) / len(notes)))
	}
	return nil
}

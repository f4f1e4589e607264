package bgtask_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/bgtask/bgtask"
)

var reports = bgtask.MustGUID("7d1e0c42-3b1f-4d0c-9a57-5f6f3a0e8d21")

// A task that runs every night when the machine is on AC power and idle. If that does
// not happen for three days, it runs anyway.
func ExampleBuilder_Ensure() {
	task, err := bgtask.Builder{
		Name:       "Reports",
		EntryPoint: reports,
		Trigger:    bgtask.CalendarTrigger{Expr: "daily"},
		Conditions: []bgtask.Condition{bgtask.ACPower, bgtask.DeviceIdle},
		Hold:       bgtask.Hold{AtMost: 72 * time.Hour, Then: bgtask.RunAnyway},
	}.Ensure(context.Background())
	if err != nil {
		log.Fatal(err, "\n", bgtask.Hint(err))
	}
	fmt.Println(task.TaskID())
}

// Validate finds all faults in one call, without a broker.
func ExampleBuilder_Validate() {
	b := bgtask.Builder{
		Name:       "Reports",
		EntryPoint: reports,
		Trigger:    bgtask.TimeTrigger{Freshness: time.Hour},
		Conditions: []bgtask.Condition{bgtask.UserPresent, bgtask.UserNotPresent},
	}
	fmt.Println(b.Validate())
	// Output: Reports: the conditions UserPresent and UserNotPresent never hold together
}

// A run that asks for another attempt when the network fails.
func ExampleRetry() {
	var fetch bgtask.TaskFunc = func(ctx context.Context, instance *bgtask.Instance) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://example.org/news", nil)
		if err != nil {
			return err // another attempt would end the same way
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return bgtask.Retry(err)
		}
		return response.Body.Close()
	}
	os.Exit(bgtask.Main(bgtask.Class{CLSID: reports, Task: fetch}))
}

// Work that continues after Run takes a deferral and watches the context of the run.
func ExampleInstance_GetDeferral() {
	_ = bgtask.TaskFunc(func(ctx context.Context, instance *bgtask.Instance) error {
		deferral := instance.GetDeferral()
		go func() {
			select {
			case <-time.After(time.Minute):
				deferral.Complete()
			case <-ctx.Done():
				deferral.Fail(context.Cause(ctx))
			}
		}()
		return nil
	})
}

// A toast whose button fires a task, even if the application has ended.
func ExampleShowToast() {
	ctx := context.Background()
	_, err := bgtask.Builder{Name: "Clicks", EntryPoint: reports, Trigger: bgtask.ToastNotificationActionTrigger{}}.Ensure(ctx)
	if err != nil {
		log.Fatal(err, "\n", bgtask.Hint(err))
	}
	_, err = bgtask.ShowToast(ctx, bgtask.Toast{
		Title:   "The report is ready",
		Actions: []bgtask.ToastAction{{Key: "mail", Label: "Mail it"}},
	})
	if err != nil {
		log.Fatal(err, "\n", bgtask.Hint(err))
	}
	// In Run: instance.TriggerDetails().(bgtask.ToastNotificationActionTriggerDetails).Action is "mail".
}

// The type of the details depends on the trigger.
func ExampleInstance_TriggerDetails() {
	_ = bgtask.TaskFunc(func(ctx context.Context, instance *bgtask.Instance) error {
		switch details := instance.TriggerDetails().(type) {
		case bgtask.TimeTriggerDetails:
			fmt.Println("due", details.Due, "and", details.Missed, "missed before")
		case bgtask.ApplicationTriggerDetails:
			fmt.Printf("asked to %s\n", details.Arguments)
		}
		return nil
	})
}

// Why explains each task that is not running.
func ExampleRegistration_Why() {
	tasks, err := bgtask.AllTasks(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for _, task := range tasks {
		why, err := task.Why(context.Background())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(why)
	}
}

// The outcome of a canceled run unwraps to its reason, which is an error.
func ExampleRun_Err() {
	run := bgtask.Run{Outcome: bgtask.Canceled, Reason: bgtask.ReasonConditionLoss}
	fmt.Println(run.Err(), errors.Is(run.Err(), bgtask.ReasonConditionLoss))
	// Output: canceled: ConditionLoss true
}

// A program that serves with its own Server until its context ends.
func ExampleServer() {
	server := &bgtask.Server{
		Classes:   []bgtask.Class{{CLSID: reports, Task: bgtask.TaskFunc(func(context.Context, *bgtask.Instance) error { return nil })}},
		Suspended: true, // until the application is ready
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		time.Sleep(time.Second) // it reads its settings, say
		server.Resume()
	}()
	if err := server.Serve(ctx); err != nil {
		log.Fatal(err)
	}
}

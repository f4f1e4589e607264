// Package primes is the sample of Microsoft's page "Create and register a winmain
// COM background task" with its faults fixed: a task that looks for primes every 15
// minutes when the internet is reachable, in the running application or in the class
// server that the manifest declares.
package primes

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/bgtask/bgtask"
)

// Sample is the registration.
var Sample = bgtask.Builder{
	Name:       "SampleTask",
	EntryPoint: bgtask.MustGUID("14C5882B-35D3-41BE-86B2-5106269B97E6"),
	Trigger:    bgtask.TimeTrigger{Freshness: 15 * time.Minute, OneShot: false},
	Conditions: []bgtask.Condition{bgtask.InternetAvailable},
}

// Manifest is the package's AppxManifest.xml.
//
//go:embed AppxManifest.xml
var Manifest []byte

// Main is the program. Without arguments it runs the application, which serves the
// class in its own process. With -StartSampleTaskServer, the argument in the manifest,
// it runs the class server.
func Main(args []string) int {
	flags := flag.NewFlagSet("SampleBackgroundApp", flag.ContinueOnError)
	registerOnly := flags.Bool("RegisterSampleTask", false, "register the task and exit")
	serverOnly := flags.Bool("StartSampleTaskServer", false, "serve the class without a window; the manifest passes this")
	flags.Bool("Embedding", false, "COM adds this")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if !*serverOnly { // the registrar runs at every start: what is unchanged keeps its timer
		reg, err := Sample.Ensure(context.Background())
		if err != nil {
			fmt.Fprintln(os.Stderr, "SampleBackgroundApp:", err)
			return 1
		}
		if *registerOnly {
			return 0
		}
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		go show(ctx, os.Stdout, reg) // here the application would open its window
	}
	// The application and the launched server both serve the class; the launched one ends after its linger time.
	return bgtask.Main(bgtask.Class{CLSID: Sample.EntryPoint, Task: SampleTask{}})
}

func show(ctx context.Context, w io.Writer, reg *bgtask.Registration) {
	for event, err := range reg.Watch(ctx, "") {
		switch {
		case err != nil:
			fmt.Fprintln(w, err)
		case event.Kind == bgtask.EventProgress:
			fmt.Fprintf(w, "\r%d primes", event.Run.Progress)
		case event.Kind == bgtask.EventEnded:
			fmt.Fprintf(w, "\n%v %v\n", event.Run.Outcome, event.Run.Err())
		}
	}
}

// Dashboard shows every task of an application and follows changes. Its argument is a
// package; the default is its own.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"maps"
	"os"
	"os/signal"
	"slices"

	"github.com/bgtask/bgtask"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var client bgtask.Client
	if len(os.Args) > 1 {
		client.Package = os.Args[1]
	}
	tasks := map[bgtask.GUID]bgtask.Event{}         // the newest of each task
	for event, err := range client.Watch(ctx, "") { // first a snapshot of every task, then every change
		if err != nil {
			log.Fatal(err)
		}
		switch {
		case event.TaskID.IsZero(): // of the machine, or of a package
			continue
		case event.Kind == bgtask.EventUnregistered:
			delete(tasks, event.TaskID)
		default:
			tasks[event.TaskID] = event
		}
		fmt.Print("\033[H\033[2J")
		for _, e := range slices.SortedFunc(maps.Values(tasks), byName) {
			fmt.Printf("%-20s %v\n", e.Name, e.State) // SyncNotes   held 47 min: InternetAvailable
		}
	}
}

func byName(a, b bgtask.Event) int { return cmp.Compare(a.Name, b.Name) }

// Quotes fetches a quotation every 15 minutes, as soon as the machine is online, whether or not it is running.
package main

import (
	"context"
	"log"
	"os"
	"time"

	"github.com/bgtask/bgtask"
)

var quotes = bgtask.Class{CLSID: bgtask.MustGUID("4f5f1f6a-8a0e-4c0b-9d36-2d7f3c1e9b55"), Task: bgtask.TaskFunc(fetch)}

func main() {
	if !bgtask.Launched() { // the user started it: make sure that the task is registered
		b := bgtask.Builder{Name: "FetchQuotes", EntryPoint: quotes.CLSID}
		b.Trigger = bgtask.TimeTrigger{Freshness: 15 * time.Minute}
		b.Conditions = []bgtask.Condition{bgtask.InternetAvailable}
		if _, err := b.Ensure(context.Background()); err != nil {
			log.Fatal(err)
		}
	}
	os.Exit(bgtask.Main(quotes)) // run it here while this process lives; the broker launches us when it does not
}

package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/bgtask/bgtask"
	"github.com/bgtask/bgtask/bgtasktest"
)

func TestFetch(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		w.Write([]byte("Keep it logically awesome."))
	}))
	defer server.Close()
	source = server.URL

	folder := t.TempDir()
	if err := bgtasktest.Start(t, quotes.Task, bgtasktest.Activation{LocalFolder: folder}).Wait(); err != nil {
		t.Fatal(err)
	}
	if quote, err := os.ReadFile(filepath.Join(folder, "quote.txt")); string(quote) != "Keep it logically awesome.\n" {
		t.Errorf("stored %q, %v", quote, err)
	}

	status = http.StatusServiceUnavailable
	run := bgtasktest.Start(t, quotes.Task, bgtasktest.Activation{})
	if err := run.Wait(); err == nil || run.Outcome() != bgtask.RetryAsked {
		t.Errorf("without an answer: %v, %v", run.Outcome(), err)
	}
}

// A run that is canceled while it waits for the answer ends immediately.
func TestFetchStops(t *testing.T) {
	asked := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}))
	defer server.Close()
	source = server.URL

	run := bgtasktest.Start(t, quotes.Task, bgtasktest.Activation{})
	<-asked
	run.Cancel(bgtask.ReasonConditionLoss)
	if err := run.Wait(); err == nil || run.Outcome() != bgtask.Canceled {
		t.Errorf("got %v, %v", run.Outcome(), err)
	}
	if errors.Is(run.Wait(), bgtask.ReasonAbort) {
		t.Error("canceled with another reason")
	}
}

package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/bgtask/bgtask"
	"github.com/bgtask/bgtask/bgtasktest"
)

// write makes empty files in a folder below root.
func write(t *testing.T, root, folder string, names ...string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(root, folder), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(root, folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// An attempt that fails half-way is followed by one that starts at its checkpoint.
func TestSyncGoesOnAtItsCheckpoint(t *testing.T) {
	var uploaded []string
	answer := map[string]int{"/c.txt": http.StatusServiceUnavailable}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status, ok := answer[r.URL.Path]; ok {
			w.WriteHeader(status)
			return
		}
		uploaded = append(uploaded, r.URL.Path)
	}))
	defer server.Close()
	folder := t.TempDir()
	write(t, folder, "notes", "a.txt", "b.txt", "c.txt", "d.txt")

	first := bgtasktest.Start(t, Syncer{server.URL}, bgtasktest.Activation{LocalFolder: folder})
	first.Wait()
	if first.Outcome() != bgtask.RetryAsked || first.Progress() != 50 {
		t.Fatalf("the first attempt: %v at %d %%", first.Outcome(), first.Progress())
	}
	clear(answer)
	second := bgtasktest.Start(t, Syncer{server.URL}, bgtasktest.Activation{LocalFolder: folder, Attempt: 2, Checkpoint: first.Checkpoint()})
	if err := second.Wait(); err != nil || second.Progress() != 100 {
		t.Fatalf("the second attempt: %v at %d %%", err, second.Progress())
	}
	if want := []string{"/a.txt", "/b.txt", "/c.txt", "/d.txt"}; !slices.Equal(uploaded, want) {
		t.Errorf("uploaded %v", uploaded)
	}
}

func TestSyncGivesUpARejectedNote(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	folder := t.TempDir()
	write(t, folder, "notes", "a.txt")
	run := bgtasktest.Start(t, Syncer{server.URL}, bgtasktest.Activation{LocalFolder: folder})
	if err := run.Wait(); !errors.Is(err, errRejected) || run.Outcome() != bgtask.Failed {
		t.Errorf("%v, %v", run.Outcome(), err)
	}
}

func TestTidyCache(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, "cache", "old", "new")
	old := time.Now().Add(-2 * keepCached)
	if err := os.Chtimes(filepath.Join(folder, "cache", "old"), old, old); err != nil {
		t.Fatal(err)
	}
	if err := bgtasktest.Start(t, bgtask.TaskFunc(tidyCache), bgtasktest.Activation{LocalFolder: folder}).Wait(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(filepath.Join(folder, "cache"))
	if err != nil || len(left) != 1 || left[0].Name() != "new" {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestRegistrationsAreValid(t *testing.T) {
	if err := errors.Join(sync.Validate(), tidy.Validate()); err != nil {
		t.Error(err)
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/bgtask/bgtask"
)

var errRejected = errors.New("the server rejects the note")

// changed lists the notes in the folder, sorted by name, that come after the one that
// the checkpoint names.
func changed(folder string, checkpoint []byte) ([]string, error) {
	all, err := filepath.Glob(filepath.Join(folder, "notes", "*.txt")) // sorted
	if err != nil {
		return nil, err
	}
	for i, note := range all {
		if note == string(checkpoint) {
			return all[i+1:], nil
		}
	}
	return all, nil
}

// upload stores one note on the server.
func (s Syncer) upload(ctx context.Context, note string) error {
	file, err := os.Open(note)
	if err != nil {
		return err
	}
	defer file.Close()
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, s.Server+"/"+filepath.Base(note), file)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode < 300:
		return nil
	case response.StatusCode < 500:
		return fmt.Errorf("%w %s: %s", errRejected, filepath.Base(note), response.Status)
	}
	return errors.New(response.Status)
}

// keepCached is how long a file stays in the cache.
const keepCached = 30 * 24 * time.Hour

// tidyCache removes the files that have not been used for keepCached.
func tidyCache(ctx context.Context, instance *bgtask.Instance) error {
	files, err := filepath.Glob(filepath.Join(instance.LocalFolder(), "cache", "*"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if info, err := os.Stat(file); err != nil || time.Since(info.ModTime()) < keepCached {
			continue
		}
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return nil
}

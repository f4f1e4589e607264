package selftest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bgtask/bgtask"
)

// Class serves the tasks of the self-test. The package's manifest declares it.
var Class = bgtask.Class{CLSID: bgtask.MustGUID("6f0f3c0e-52b7-4d0f-9f43-0a4b8b1c7e21"), Task: bgtask.TaskFunc(run)}

// Entry is a record that a run writes when it begins and when it ends.
type Entry struct {
	Stage    string    `json:"stage"`
	Time     time.Time `json:"time"`
	Task     string    `json:"task"`
	Instance string    `json:"instance"`
	Process  int       `json:"process"`
	Launched bool      `json:"launched"`
	Reason   string    `json:"reason,omitempty"` // reason of a cancellation
}

// The stages of a run.
const (
	Entered = "entered"
	Over    = "over"
)

// logName is the file of entries in the LocalFolder, one per line.
const logName = "selftest.jsonl"

// waits is the suffix of the names of tasks that run until they are canceled.
const waits = "-waits"

const lastProgress = 100

func run(ctx context.Context, instance *bgtask.Instance) error {
	entry := Entry{
		Stage: Entered, Time: time.Now(), Task: instance.Task().Name(), Instance: instance.InstanceID().String(), Process: os.Getpid(), Launched: bgtask.Launched(),
	}
	if err := entry.append(instance.LocalFolder()); err != nil {
		return err
	}
	instance.SetProgress(lastProgress / 2)
	if strings.HasSuffix(entry.Task, waits) {
		<-ctx.Done()
	} else {
		instance.SetProgress(lastProgress)
	}
	if cause := context.Cause(ctx); cause != nil {
		entry.Reason = cause.Error()
	}
	entry.Stage, entry.Time = Over, time.Now()
	return errors.Join(entry.append(instance.LocalFolder()), context.Cause(ctx))
}

func (e Entry) append(folder string) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(folder, logName), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n'))
	return errors.Join(err, file.Close())
}

// Entries returns the entries in the folder, oldest first. It skips incomplete
// lines, which a power failure may leave.
func Entries(folder string) ([]Entry, error) {
	data, err := os.ReadFile(filepath.Join(folder, logName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var all []Entry
	for line := range strings.Lines(string(data)) {
		var e Entry
		if json.Unmarshal([]byte(line), &e) == nil {
			all = append(all, e)
		}
	}
	return all, nil
}

// String returns the entry in one line.
func (e Entry) String() string {
	how := "in the open program"
	if e.Launched {
		how = "launched"
	}
	text := fmt.Sprintf("%s %s, process %d, %s", e.Task, e.Stage, e.Process, how)
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

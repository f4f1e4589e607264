package winbroker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bgtask/bgtask/task"
)

// records is what an application keeps about its tasks, in its own folder. Several
// processes of the application may write at the same time: a file is replaced as a
// whole, and no two processes write the same one.
//
//	<folder>/<TaskID>/registration.json
//	<folder>/<TaskID>/checkpoint
//	<folder>/<TaskID>/<number>.run
type records struct {
	folder string
	alive  func(instance task.GUID) bool // reports whether a process still executes the run
}

// runsKept is the number of runs that are kept for each task.
const runsKept = 100

const (
	registrationFile = "registration.json"
	checkpointFile   = "checkpoint"
	runSuffix        = ".run"
)

// registration is what was registered.
type registration struct {
	Registered time.Time `json:"registered"`
	Spec       task.Spec `json:"spec"`
}

// run is the record of a run. One without an outcome is live, or was lost.
type run struct {
	Number   uint64    `json:"number"`
	Instance task.GUID `json:"instance"`
	PID      int       `json:"pid"`
	Launched bool      `json:"launched,omitempty"`
	Started  time.Time `json:"started"`
	Ended    time.Time `json:"ended,omitzero"`
	Progress uint32    `json:"progress,omitempty"`
	Outcome  string    `json:"outcome,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	Text     string    `json:"text,omitempty"`
}

func (r *records) dir(id task.GUID) string { return filepath.Join(r.folder, id.String()) }

func runFile(number uint64) string { return fmt.Sprintf("%016d%s", number, runSuffix) }

// register stores what was registered.
func (r *records) register(id task.GUID, reg registration) error {
	data, err := json.Marshal(reg)
	if err != nil {
		return err
	}
	return r.replace(id, registrationFile, data)
}

// registration reads what was registered. It returns false if the record is missing or
// damaged.
func (r *records) registration(id task.GUID) (reg registration, ok bool) {
	data, err := os.ReadFile(filepath.Join(r.dir(id), registrationFile))
	return reg, err == nil && json.Unmarshal(data, &reg) == nil
}

// begin keeps that a run has begun, and gives it the next number of its task.
func (r *records) begin(id task.GUID, begun run) (run, error) {
	if err := os.MkdirAll(r.dir(id), 0o700); err != nil {
		return begun, err
	}
	numbers, err := r.numbers(id)
	if err != nil {
		return begun, err
	}
	if n := len(numbers); n > 0 {
		begun.Number = numbers[n-1]
	}
	for {
		begun.Number++
		err := r.create(id, begun)
		if !errors.Is(err, fs.ErrExist) {
			return begun, err
		}
	}
}

// create writes the file of a new run. It fails with fs.ErrExist if the number is
// taken.
func (r *records) create(id task.GUID, begun run) error {
	name := filepath.Join(r.dir(id), runFile(begun.Number))
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	data, err := json.Marshal(begun)
	if err == nil {
		_, err = file.Write(data)
	}
	return errors.Join(err, file.Close())
}

// end stores how a run ended, and deletes the oldest runs.
func (r *records) end(id task.GUID, over run) error {
	data, err := json.Marshal(over)
	if err != nil {
		return err
	}
	if err := r.replace(id, runFile(over.Number), data); err != nil {
		return err
	}
	numbers, err := r.numbers(id)
	if err != nil {
		return err
	}
	for len(numbers) > runsKept {
		err = errors.Join(err, os.Remove(filepath.Join(r.dir(id), runFile(numbers[0]))))
		numbers = numbers[1:]
	}
	return err
}

// numbers returns the numbers of the runs that are kept, oldest first.
func (r *records) numbers(id task.GUID) (numbers []uint64, err error) {
	entries, err := os.ReadDir(r.dir(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		digits, ok := strings.CutSuffix(e.Name(), runSuffix)
		if n, bad := strconv.ParseUint(digits, 10, 64); ok && bad == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, err
}

// run reads a run. It returns false if the record is missing or damaged.
func (r *records) run(id task.GUID, number uint64) (kept run, ok bool) {
	data, err := os.ReadFile(filepath.Join(r.dir(id), runFile(number)))
	if err != nil || json.Unmarshal(data, &kept) != nil {
		return run{}, false
	}
	return kept, true
}

// find returns the run of an instance.
func (r *records) find(id, instance task.GUID) (run, bool) {
	numbers, _ := r.numbers(id)
	for _, n := range slices.Backward(numbers) {
		if kept, ok := r.run(id, n); ok && kept.Instance == instance {
			return kept, true
		}
	}
	return run{}, false
}

// saveCheckpoint stores a checkpoint for the next run of the task.
func (r *records) saveCheckpoint(id task.GUID, c task.Checkpoint) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return r.replace(id, checkpointFile, data)
}

func (r *records) checkpoint(id task.GUID) *task.Checkpoint {
	data, err := os.ReadFile(filepath.Join(r.dir(id), checkpointFile))
	c := new(task.Checkpoint)
	if err != nil || json.Unmarshal(data, c) != nil {
		return nil
	}
	return c
}

func (r *records) dropCheckpoint(id task.GUID) error {
	err := os.Remove(filepath.Join(r.dir(id), checkpointFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// move gives the records of a registration to the one that replaces it.
func (r *records) move(from, to task.GUID) error {
	err := os.Rename(r.dir(from), r.dir(to))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// forget deletes all records of a registration.
func (r *records) forget(id task.GUID) error { return os.RemoveAll(r.dir(id)) }

// known returns the registrations that have records.
func (r *records) known() (all []task.GUID, err error) {
	entries, err := os.ReadDir(r.folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if id, bad := task.ParseGUID(e.Name()); bad == nil && e.IsDir() {
			all = append(all, id)
		}
	}
	return all, err
}

// sweep deletes the records of known registrations that no longer exist.
func (r *records) sweep(known []task.GUID, there func(task.GUID) bool) (err error) {
	for _, id := range known {
		if !there(id) {
			err = errors.Join(err, r.forget(id))
		}
	}
	return err
}

// replace writes a file as a whole: after a crash it has the old content or the new.
func (r *records) replace(id task.GUID, name string, data []byte) error {
	dir := r.dir(id)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, name+".*.new")
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = rename(file.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		err = errors.Join(err, os.Remove(file.Name()))
	}
	return err
}

// rename replaces a file. On Windows the file may be open elsewhere for a moment.
func rename(from, to string) (err error) {
	for range 50 {
		if err = os.Rename(from, to); err == nil || !busy(err) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}

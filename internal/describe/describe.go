// Package describe determines which tasks a program registers and which classes
// it serves, before it is shipped. It starts the program with the name of a file
// in an environment variable. The SDK then uses a Recorder instead of a broker.
// The Recorder answers as if every registration succeeded and writes it to the
// file. Serve and Main write their classes and return immediately.
//
// The program is not sandboxed: everything else that it does has its normal
// effect.
package describe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/bgtask/bgtask/task"
)

// Env is the environment variable with the name of the file, which makes a
// program describe itself.
const Env = "BGTASK_DESCRIBE"

// Description lists what a program registers and serves.
type Description struct {
	Tasks   []task.Spec // in registration order; only the last one of each name and group
	Classes []task.GUID // served classes, sorted
}

// Registered returns the classes of the tasks, without duplicates.
func (d *Description) Registered() (all []task.GUID) {
	for _, spec := range d.Tasks {
		if !slices.Contains(all, spec.EntryPoint) {
			all = append(all, spec.EntryPoint)
		}
	}
	return all
}

// Join adds the description from another start of the program.
func (d *Description) Join(other *Description) {
	for i := range other.Tasks {
		d.add(record{Register: &other.Tasks[i]})
	}
	d.add(record{Serve: other.Classes})
}

// record is one line of the file.
type record struct {
	Register *task.Spec  `json:"register,omitempty"`
	Serve    []task.GUID `json:"serve,omitempty"`
}

// parse parses a recorder's file. It ignores an incomplete last line, since the
// program may have been killed while writing.
func parse(data []byte) (*Description, error) {
	d := &Description{}
	for len(data) > 0 {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			break
		}
		var r record
		if err := json.Unmarshal(data[:end], &r); err != nil {
			return nil, fmt.Errorf("cannot decode what it wrote: %w", err)
		}
		d.add(r)
		data = data[end+1:]
	}
	if len(d.Tasks) == 0 && len(d.Classes) == 0 {
		return nil, errors.New("it registered no task and served no class")
	}
	return d, nil
}

func (d *Description) add(r record) {
	if r.Register != nil {
		same := func(s task.Spec) bool { return s.Name == r.Register.Name && s.Group == r.Register.Group }
		d.Tasks = append(slices.DeleteFunc(d.Tasks, same), *r.Register)
	}
	for _, id := range r.Serve {
		if !slices.Contains(d.Classes, id) {
			d.Classes = append(d.Classes, id)
		}
	}
	slices.SortFunc(d.Classes, func(a, b task.GUID) int { return bytes.Compare(a[:], b[:]) })
}

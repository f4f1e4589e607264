// Package describe is how a tool learns what a program registers and serves,
// before it is shipped: it starts the program with the name of a file in its
// environment. The SDK then speaks to a Recorder in place of a broker, which answers
// as if everything were registered and writes it into the file; Serve and Main write
// down their classes and return at once.
//
// It is no sandbox: the program runs, and what it does beside bgtask it does.
package describe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/bgtask/bgtask/task"
)

// Env names the file, in the environment of a program that is to describe itself.
const Env = "BGTASK_DESCRIBE"

// Description is what a program registers and serves.
type Description struct {
	Tasks   []task.Spec // in the order of their registration, the last of each name and group
	Classes []task.GUID // that it serves, sorted
}

// Registered are the classes that the tasks name.
func (d *Description) Registered() (all []task.GUID) {
	for _, spec := range d.Tasks {
		if !slices.Contains(all, spec.EntryPoint) {
			all = append(all, spec.EntryPoint)
		}
	}
	return all
}

// Join adds what another start of the program told.
func (d *Description) Join(other *Description) {
	for i := range other.Tasks {
		d.add(record{Register: &other.Tasks[i]})
	}
	d.add(record{Serve: other.Classes})
}

// record is a line of the file.
type record struct {
	Register *task.Spec  `json:"register,omitempty"`
	Serve    []task.GUID `json:"serve,omitempty"`
}

// parse reads what a recorder wrote. A last line that is not whole is left out:
// the program was ended while it wrote.
func parse(data []byte) (*Description, error) {
	d := &Description{}
	for len(data) > 0 {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			break
		}
		var r record
		if err := json.Unmarshal(data[:end], &r); err != nil {
			return nil, fmt.Errorf("what it wrote is not understood: %w", err)
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

package declaration

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/bgtask/bgtask/task"
)

// maxSize is more than anybody writes by hand.
const maxSize = 1 << 20

// Load reads the declaration in a file, or in bgtask.toml of a folder, and checks
// it; faults come joined, each a *task.Error.
func Load(name string) (*Declaration, error) {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		name = filepath.Join(name, FileName)
	}
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &task.Error{Op: "read the declaration", Subject: name, Err: fmt.Errorf("%w: %w", task.ErrInvalid, err),
			Detail: "there is no such file", Hint: "'bgtask manifest new' writes one"}
	} else if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return nil, err
	}
	d, err := Parse(name, data)
	if err != nil {
		return nil, err
	}
	d.Dir, err = filepath.Abs(filepath.Dir(name))
	return d, err
}

// Parse is Load for text that is there already. Paths are relative to the working
// directory then.
func Parse(name string, data []byte) (*Declaration, error) {
	if len(data) > maxSize {
		return nil, fault(name, fmt.Sprintf("it is larger than %d bytes", maxSize), "")
	}
	d := &Declaration{File: name, Dir: "."}
	err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(d)
	if err != nil {
		return nil, decodeError(name, err)
	}
	c := checker{d: d, lines: findLines(data)}
	c.check()
	if err := errors.Join(c.faults...); err != nil {
		return nil, err
	}
	d.withDefaults()
	return d, nil
}

// decodeError tells with its line what TOML or the keys do not allow.
func decodeError(name string, err error) error {
	var unknown *toml.StrictMissingError
	var bad *toml.DecodeError
	switch {
	case errors.As(err, &unknown):
		var faults []error
		for i := range unknown.Errors {
			line, _ := unknown.Errors[i].Position()
			faults = append(faults, fault(fmt.Sprintf("%s:%d", name, line), "there is no key "+strings.Join(unknown.Errors[i].Key(), "."), "keys are: "+keys))
		}
		return errors.Join(faults...)
	case errors.As(err, &bad):
		line, _ := bad.Position()
		return fault(fmt.Sprintf("%s:%d", name, line), strings.TrimPrefix(bad.Error(), "toml: "), "")
	}
	return fault(name, strings.TrimPrefix(err.Error(), "toml: "), "")
}

const keys = "name, publisher, version, display_name, publisher_display_name, description, language, application, logo, background, capabilities, " +
	"min_windows, tested_windows, executable, program, build_flags, programs, files, and in [[tasks]] name, class, arguments"

func fault(where, detail, hint string) error {
	return &task.Error{Subject: where, Err: task.ErrInvalid, Detail: detail, Hint: hint}
}

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

// maxSize is far more than a declaration needs.
const maxSize = 1 << 20

// Load reads and checks the declaration in a file, or in bgtask.toml of a folder.
// Its error joins a *task.Error for each fault.
func Load(name string) (*Declaration, error) {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		name = filepath.Join(name, FileName)
	}
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &task.Error{Op: "read the declaration", Subject: name, Err: fmt.Errorf("%w: %w", task.ErrInvalid, err),
			Detail: "the file does not exist", Hint: "create it with 'bgtask manifest new'"}
	} else if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
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

// Parse is Load for a text. Paths are relative to the working directory.
func Parse(name string, data []byte) (*Declaration, error) {
	if len(data) > maxSize {
		return nil, fault(name, fmt.Sprintf("the file is larger than %d bytes", maxSize), "")
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

// decodeError converts an error of the TOML decoder into faults with lines.
func decodeError(name string, err error) error {
	var unknown *toml.StrictMissingError
	var bad *toml.DecodeError
	switch {
	case errors.As(err, &unknown):
		var faults []error
		for i := range unknown.Errors {
			line, _ := unknown.Errors[i].Position()
			faults = append(faults, fault(fmt.Sprintf("%s:%d", name, line), "unknown key "+strings.Join(unknown.Errors[i].Key(), "."), "known keys: "+keys))
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

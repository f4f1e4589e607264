//go:build linux

package broker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/bgtask/bgtask/task"
)

// settings is the configuration file, and the only list of its keys. A key's tags are
// its name, its default as it is written in the file, its range, and what it means.
// Everything that lists the keys reads them.
type settings struct {
	MinFreshness   period `toml:"min_freshness" default:"1m" least:"1s" doc:"shortest interval of a timer; at least 1s"`
	RunsAtOnce     int    `toml:"runs_at_once" default:"32" most:"1,000" doc:"live runs overall"`
	RunsPerPackage int    `toml:"runs_per_package" default:"8" most:"1,000" doc:"live runs of one package"`
	Launches       int    `toml:"launches" default:"8" most:"1,000" doc:"class servers starting at the same time"`
	RunLimit       period `toml:"run_limit" default:"0s" least:"1s" doc:"for registrations that set none; 0: no limit"`
	StartTimeout   period `toml:"start_timeout" default:"2m" least:"1s" doc:"for a launched server to register its class"`
	CancelGrace    period `toml:"cancel_grace" default:"5s" least:"100ms" doc:"for a run to stop after a cancel"`
	DefaultAccess  access `toml:"default_access" default:"AllowedSubjectToSystemPolicy" doc:"access status of a newly installed package"`
	Probe          string `toml:"probe" doc:"\"host:port\" that must answer for internet=yes, where no service reports it"`

	PushDistributor string `toml:"push_distributor" doc:"UnifiedPush distributor that delivers push messages, if there are several"` // name on the bus, or its last part
}

// settingRows lists the keys in the order of the file.
func settingRows() []reflect.StructField { return reflect.VisibleFields(reflect.TypeFor[settings]()) }

func settingNames() string {
	var names []string
	for _, row := range settingRows() {
		names = append(names, row.Tag.Get("toml"))
	}
	return strings.Join(names, ", ")
}

type period time.Duration

// UnmarshalText reads a duration: "15m".
func (p *period) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*p = period(d)
	return err
}

type access task.AccessStatus

// UnmarshalText reads WinRT's name of an access status.
func (a *access) UnmarshalText(text []byte) error {
	s, err := task.ParseAccess(string(text))
	*a = access(s)
	return err
}

// readSettings reads the configuration file. Without a file, all settings have their
// defaults. An error names the line: a misspelled key must not silently fall back to
// the default.
func readSettings(path string) (settings, error) {
	var s settings
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	} else if err != nil {
		return s, configError(path, err.Error(), "")
	}
	defer file.Close()
	err = toml.NewDecoder(file).DisallowUnknownFields().Decode(&s)
	var unknown *toml.StrictMissingError
	var bad *toml.DecodeError
	switch {
	case err == nil:
		return s, s.check(path)
	case errors.As(err, &unknown) && len(unknown.Errors) > 0:
		bad = &unknown.Errors[0]
		line, _ := bad.Position()
		return s, configError(fmt.Sprintf("%s:%d", path, line), "there is no setting "+strings.Join(bad.Key(), "."), "settings are: "+settingNames())
	case errors.As(err, &bad):
		line, _ := bad.Position()
		return s, configError(fmt.Sprintf("%s:%d", path, line), strings.TrimPrefix(bad.Error(), "toml: "), "")
	}
	return s, configError(path, err.Error(), "")
}

func configError(where, detail, hint string) error {
	return &task.Error{Op: "read the configuration", Subject: where, Err: task.ErrInvalid, Detail: detail, Hint: hint}
}

// check refuses values out of range. A zero value stands for the default.
func (s settings) check(path string) error {
	var faults []error
	for _, row := range settingRows() {
		if detail := outOfRange(row, reflect.ValueOf(s).FieldByIndex(row.Index)); detail != "" {
			faults = append(faults, configError(path, detail, ""))
		}
	}
	return errors.Join(faults...)
}

// outOfRange says what is wrong with a value; "" when it is in its range.
func outOfRange(row reflect.StructField, v reflect.Value) string {
	name := row.Tag.Get("toml")
	if least, err := time.ParseDuration(row.Tag.Get("least")); err == nil {
		if d := time.Duration(v.Int()); d != 0 && d < least {
			return fmt.Sprintf("%s is %v; it is at least %v", name, d, least)
		}
	}
	shown := row.Tag.Get("most")
	if most, err := strconv.ParseInt(strings.ReplaceAll(shown, ",", ""), 10, 64); err == nil {
		if n := v.Int(); n < 0 || n > most {
			return fmt.Sprintf("%s is %d; it must be from 1 to %s", name, n, shown)
		}
	}
	return ""
}

func (s settings) policy() task.Policy {
	return task.Policy{
		MinFreshness:   time.Duration(s.MinFreshness),
		DefaultAccess:  task.AccessStatus(s.DefaultAccess),
		RunsAtOnce:     s.RunsAtOnce,
		RunsPerPackage: s.RunsPerPackage,
		Launches:       s.Launches,
		RunLimit:       time.Duration(s.RunLimit),
		StartTimeout:   time.Duration(s.StartTimeout),
		CancelGrace:    time.Duration(s.CancelGrace),
	}.WithDefaults()
}

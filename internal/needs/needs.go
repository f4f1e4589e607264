// Package needs decides what happens to a test that needs something this machine does
// not have: in CI the test fails, elsewhere it is skipped and recorded. scripts/test
// shows the records in one table when all tests have run.
package needs

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// Record is the environment variable that names the file to which skipped tests are
// appended, one a line: what is missing, the remedy and the test, separated by tabs.
const Record = "BGTASK_MISSING"

// Remedy is what makes a machine able to run a test.
type Remedy struct{ text string }

// Package is a Debian package to install. scripts/packages has its name in other
// distributions.
func Package(debian string) Remedy { return Remedy{"install " + debian} }

// Root is for tests that act as several users, or mount, or boot a machine.
var Root = Remedy{"run as root"}

// Kernel is for tests of something that this kernel or its configuration does not offer.
var Kernel = Remedy{"another kernel or container"}

// Elsewhere is a remedy in words.
func Elsewhere(text string) Remedy { return Remedy{text} }

// Missing skips the test, because what it needs is not here. In CI the test fails.
// What is a short name, the same for all tests that miss the same thing.
func Missing(t testing.TB, what string, remedy Remedy) {
	t.Helper()
	message := Lack{what, remedy}.String()
	if os.Getenv("CI") == "true" {
		t.Fatal(message)
	}
	if err := write(what, remedy, t.Name()); err != nil {
		t.Error(err)
	}
	t.Skip(message)
}

// Time skips a test that takes tens of seconds when go test runs with -short.
func Time(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes long")
	}
}

// write appends one line in one write, so that the lines of test programs that run
// at the same time do not mix.
func write(what string, remedy Remedy, name string) error {
	path := os.Getenv(Record)
	if path == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("recording a skipped test: %w", err)
	}
	if _, err := fmt.Fprintf(file, "%s\t%s\t%s\n", what, remedy.text, name); err != nil {
		return fmt.Errorf("recording a skipped test: %w", err)
	}
	return file.Close()
}

// Lack is what a machine does not have, and the remedy. The zero Lack is nothing.
type Lack struct {
	What string
	Remedy
}

// Programs returns a program of the map that is not in PATH, with its remedy.
func Programs(all map[string]Remedy) Lack {
	for program, remedy := range all {
		if _, err := exec.LookPath(program); err != nil {
			return Lack{program, remedy}
		}
	}
	return Lack{}
}

// String is the sentence for people.
func (l Lack) String() string { return fmt.Sprintf("%s is missing: %s", l.What, l.text) }

// RecordAll records that all tests of a kind were left out.
func (l Lack) RecordAll(kind string) error { return write(kind+": "+l.What, l.Remedy, "all") }

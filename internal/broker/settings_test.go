//go:build linux

package broker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/task"
)

// sample is the configuration file with every key at its default, as README shows it.
func sample() string {
	var b strings.Builder
	for _, row := range settingRows() {
		value := row.Tag.Get("default")
		if row.Type.Kind() != reflect.Int {
			value = fmt.Sprintf("%q", value)
		}
		gap := " "
		if len(value) > 9 {
			gap = "   "
		}
		fmt.Fprintf(&b, "%-16s = %-9s%s# %s\n", row.Tag.Get("toml"), value, gap, row.Tag.Get("doc"))
	}
	return b.String()
}

func TestReadmeHasEverySetting(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(readme), "## Configuration")
	_, block, _ = strings.Cut(block, "```toml\n")
	block, _, _ = strings.Cut(block, "```")
	if d := cmp.Diff(block, sample()); d != "" {
		t.Errorf("README.md, section Configuration, has other keys, defaults or texts than settings in internal/broker/settings.go (-README +settings):\n%s", d)
	}
}

// TestDefaultsOfSettings checks that the file of all defaults is accepted, and gives
// the policy that no file gives.
func TestDefaultsOfSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(file, []byte(sample()), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := readSettings(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff((settings{}).policy(), s.policy()); d != "" {
		t.Errorf("a default tag in internal/broker/settings.go differs from task.Policy.WithDefaults (-WithDefaults +tags):\n%s", d)
	}
	for _, row := range settingRows() {
		if row.Tag.Get("toml") == "" || row.Tag.Get("doc") == "" {
			t.Errorf("internal/broker/settings.go: %s has no name or no text", row.Name)
		}
	}
}

func TestSettingsOutOfRange(t *testing.T) {
	for text, says := range map[string]string{
		`min_freshness = "500ms"`:  "min_freshness is 500ms; it is at least 1s",
		`cancel_grace = "-1s"`:     "cancel_grace is -1s; it is at least 100ms",
		`launches = 1001`:          "launches is 1001; it must be from 1 to 1,000",
		`runs_at_once = -1`:        "runs_at_once is -1; it must be from 1 to 1,000",
		"\nmin_freshnes = \"1m\"":  "config.toml:2: there is no setting min_freshnes",
		`default_access = "Never"`: "there is no access status \"Never\"",
	} {
		file := filepath.Join(t.TempDir(), "config.toml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readSettings(file); !errors.Is(err, task.ErrInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want %q", text, err, says)
		}
	}
}

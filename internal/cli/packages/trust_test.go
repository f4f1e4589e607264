package packages

import (
	"strings"
	"testing"

	"github.com/bgtask/bgtask/task"
)

// TestRemovable checks that --remove finds one certificate, in every file that has it,
// and refuses a file with other certificates.
func TestRemovable(t *testing.T) {
	all := []trusted{
		{Fingerprint: "aaaaaaaa01", Path: "a.pem"}, {Fingerprint: "aaaaaaaa01", Path: "copy.crt"},
		{Fingerprint: "bbbbbbbb01", Path: "bundle.pem"}, {Fingerprint: "cccccccc01", Path: "bundle.pem"},
		{Fingerprint: "dddddddd01", Path: "d.pem"}, {Fingerprint: "dddddddd02", Path: "e.pem"},
	}
	for fingerprint, want := range map[string]string{
		"AA:AA:AA:AA": "a.pem copy.crt", "bbbbbbbb": "bundle.pem contains other certificates", "dddddddd": "2 trusted certificates match", "dddddddd02": "e.pem",
		"aaaa": "at least 8 digits", "eeeeeeee": "0 trusted certificates match",
	} {
		found, err := removable(all, fingerprint)
		var paths []string
		for _, f := range found {
			paths = append(paths, f.Path)
		}
		got := strings.Join(paths, " ")
		if err != nil {
			got = err.Error() + task.Hint(err)
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s, expected %s", fingerprint, got, want)
		}
	}
}

package term

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNearest(t *testing.T) {
	all := []string{"SyncNotes", "TidyCache", "backup", "backups", "list", "logs"}
	for word, want := range map[string][]string{
		"SyncNote": {"SyncNotes"}, "syncnotes": {"SyncNotes"}, "TidyCahce": {"TidyCache"}, "bakup": {"backup"}, "sync": {"SyncNotes"}, "xyz": nil, "": nil,
		"back": {"backup", "backups"}, "lgos": {"logs"},
	} {
		if d := cmp.Diff(want, Nearest(word, all)); d != "" {
			t.Errorf("nearest(%q): %s", word, d)
		}
	}
}

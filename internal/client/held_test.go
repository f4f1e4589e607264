package client

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSpawnAwaitsTheEndOfAnother checks that a broker that finds the directory held is
// started again, and that any other failure is reported immediately.
func TestSpawnAwaitsTheEndOfAnother(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_STATE_HOME", filepath.Join(dir, "state"))
	count := filepath.Join(dir, "count")
	binary := filepath.Join(dir, "bgtask")
	script := "#!/bin/sh\necho x >>" + count + "\n[ $(wc -l <" + count + ") -lt 3 ] && exit 75\necho no luck >&2\nexit 3\n"
	if err := os.WriteFile(binary, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	err := Spawn(t.Context(), binary, filepath.Join(dir, "socket"))
	if err == nil || !strings.Contains(err.Error(), "no luck") {
		t.Errorf("Spawn returned %v", err)
	}
	if text, _ := os.ReadFile(count); strings.Count(string(text), "x") != 3 {
		t.Errorf("it was started %d times", strings.Count(string(text), "x"))
	}
}

// Package needs is the one rule of what a test does that cannot be run on a machine.
package needs

import (
	"os"
	"testing"
)

// Missing skips a test whose judge, or whatever else it needs, is not here. In CI, where
// it has to be, the test fails.
func Missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

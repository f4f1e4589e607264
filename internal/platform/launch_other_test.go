//go:build !windows

package platform

import (
	"os"
	"testing"

	"github.com/bgtask/bgtask/task"
)

// TestLaunchToken checks that the token of this process comes from its environment, and
// that a program it starts does not inherit it.
func TestLaunchToken(t *testing.T) {
	want := task.LaunchToken{1, 2, 3}
	text, err := want.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(task.LaunchEnv, string(text))
	if got := LaunchToken(); got != want {
		t.Errorf("the token is %v, not %v", got, want)
	}
	if value, ok := os.LookupEnv(task.LaunchEnv); ok {
		t.Errorf("%s=%s is still in the environment", task.LaunchEnv, value)
	}
	if got := LaunchToken(); got != want {
		t.Errorf("the second call returns %v", got)
	}
}

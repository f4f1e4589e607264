//go:build linux

package machine

import (
	"strings"
	"testing"
)

// TestSetupComesAndGoes sets bgtask up, stops the broker, and removes everything.
func TestSetupComesAndGoes(t *testing.T) {
	t.Parallel()
	m := ready(t)
	if said := m.bgtask("setup"); strings.Contains(said, "wrote") || strings.Contains(said, "replaced") {
		t.Errorf("the second setup changed something:\n%s", said)
	}
	m.bgtask("add", "look", "--", "true")
	if said := m.bgtask("daemon", "stop"); !strings.Contains(said, "The socket stays active") {
		t.Errorf("daemon stop does not mention the socket:\n%s", said)
	}
	if said := m.bgtask("setup", "--remove"); !strings.Contains(said, "removed") {
		t.Errorf("setup --remove removed nothing:\n%s", said)
	}
	left := m.user("sh", "-c", `find ~/.config ~/.local/share -type f -o -type l; find /run/user/1000/bgtask -type s`)
	if strings.Contains(left, "bgtask") {
		t.Errorf("setup --remove left\n%s", left)
	}
	for _, unit := range []string{"bgtask.socket", "bgtask.service"} {
		if state := m.unit(unit, "ActiveState"); state != "inactive" {
			t.Errorf("%s is %s after setup --remove", unit, state)
		}
	}
	if said := m.bgtask("list"); !strings.Contains(said, "look") {
		t.Errorf("the tasks are gone:\n%s", said)
	}
}

//go:build linux

package systemd

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

var sessionScope = regexp.MustCompile(`/session-([^/]+)\.scope`)

// InActiveSession reports whether a process belongs to its user's active session. A
// process that belongs to no session counts as if it did: a desktop starts its
// programs in the user's service manager, outside of every session.
func InActiveSession(pid int) bool {
	cgroup, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return false
	}
	scope := sessionScope.FindSubmatch(cgroup)
	if scope == nil {
		return true
	}
	session, err := os.ReadFile("/run/systemd/sessions/" + string(scope[1]))
	return err == nil && strings.Contains("\n"+string(session), "\nACTIVE=1\n")
}

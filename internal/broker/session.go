//go:build linux

package broker

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

var sessionScope = regexp.MustCompile(`/session-([^/]+)\.scope`)

// inActiveSession says whether a process belongs to the active session of its
// user. One that belongs to no session, as what a desktop starts in the user's
// service manager does, counts as if it did.
func inActiveSession(pid int) bool {
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

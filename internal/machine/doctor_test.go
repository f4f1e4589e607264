//go:build linux

package machine

import (
	"regexp"
	"testing"
)

// TestDoctor breaks what doctor should notice, and follows its advice.
func TestDoctor(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.boot()
	m.logIn()
	m.installUnits()
	m.finds("ok +start ", "ok +manager ", "warn +linger .*fix: loginctl enable-linger ann", "warn +source +energy-saver: .*EnergySaverOff.*fix: install ",
		"warn +source +metered: .*FreeNetworkAvailable.*fix: install network-manager")

	m.root("loginctl", "enable-linger", "ann")
	m.finds("ok +linger ")

	m.user("systemctl", "--user", "disable", "bgtask.service")
	m.finds("warn +start .*fix: systemctl --user enable --now bgtask.socket")
	m.user("systemctl", "--user", "enable", "--now", "bgtask.socket")
	m.finds("ok +start ")

	m.bgtask("add", "greet", "--on", "session", "--when", "user-present", "--", "true")
	m.root("systemctl", "mask", "--now", "systemd-logind.service")
	m.eventually("doctor notices that logind is gone", func() bool {
		return regexp.MustCompile(`(?m)^fail +source +user: .*UserPresent.*greet`).MatchString(m.doctor())
	})
	m.root("systemctl", "unmask", "systemd-logind.service")
	m.root("systemctl", "start", "systemd-logind.service")
	m.eventually("doctor notices that logind is back", func() bool {
		return !regexp.MustCompile(`(?m)^fail`).MatchString(m.doctor())
	})
}

// doctor returns the output of bgtask doctor, which fails when something is wrong.
func (m *machine) doctor() string {
	out, _ := m.asAnn("bgtask", "doctor").Output()
	return string(out)
}

// finds checks that doctor prints a line for each pattern.
func (m *machine) finds(patterns ...string) {
	m.t.Helper()
	said := m.doctor()
	for _, p := range patterns {
		if !regexp.MustCompile("(?m)^" + p).MatchString(said) {
			m.t.Errorf("doctor prints no line like %q:\n%s", p, said)
		}
	}
}

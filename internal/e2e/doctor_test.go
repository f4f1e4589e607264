//go:build linux

package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/bgtask/bgtask/task"
)

// On a machine without any service doctor names each missing service, what does not
// work without it or what replaces it, and how to install it.
func TestDoctorWithoutServices(t *testing.T) {
	t.Parallel()
	w, inside := nsWorld(t)
	if !inside {
		return
	}
	w.start()
	for _, name := range []string{"logind", "NetworkManager", "systemd-networkd", "UPower", "power-profiles-daemon", "xdg-desktop-portal", "notifications", "UnifiedPush"} {
		w.awaitSource(name, task.SourceNotHere)
	}
	w.add("greet", record, "--on", "event:go", "--when", "user-present")
	w.do("raise", "go")
	said, _, code := w.bgtask("doctor")
	if code == 0 {
		t.Error("a task waits for an unknown fact, but doctor finds nothing wrong")
	}
	for _, line := range []string{
		"fail +source +user: systemd-logind is not running: .*UserPresent and UserNotPresent stay unsure .greet.  fix: .*install systemd-logind or elogind",
		"warn +source +session: systemd-logind is not running: .*SessionConnected and SessionDisconnected stay unsure  fix: .*logind",
		"warn +source +idle: systemd-logind is not running: .*DeviceIdle stays unsure  fix: .*logind",
		"warn +source +energy-saver: power-profiles-daemon is not installed: .*there is no desktop portal: .*EnergySaverOff stays unsure  fix: .*install power-profiles-daemon",
		"ok +source +NetworkManager is not running: .*rtnetlink reports internet, metered and network instead  fix: .*install network-manager",
		"ok +source +systemd-networkd is not running: .*rtnetlink reports .*  fix: .*systemd-networkd",
		"ok +source +UPower is not installed: .*power_supply reports on-ac, battery, power and work-cost instead  fix: .*install upower",
		"warn +source +ToastNotificationActionTrigger cannot fire: there is no notification service .*  fix: .*dunst",
		"warn +source +PushNotificationTrigger cannot fire: there is no push distributor .*  fix: .*KUnifiedPush",
		"warn +start +nothing starts the broker at your next login.*  fix: ",
	} {
		if !regexp.MustCompile("(?m)^" + line).MatchString(said) {
			t.Errorf("doctor prints no line like %q:\n%s", line, said)
		}
	}
	if facts := w.do("facts"); !regexp.MustCompile(`(?m)^user +unknown .*no source: systemd-logind is not running`).MatchString(facts) {
		t.Errorf("facts says:\n%s", facts)
	}
	if why := w.do("why", "greet"); !strings.Contains(why, "UserPresent is unsure") || !strings.Contains(why, "systemd-logind is not running") {
		t.Errorf("why says:\n%s", why)
	}
}

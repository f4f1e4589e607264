//go:build linux

package machine

import "testing"

// TestInternet pulls the cable at its far end, which systemd-networkd reports.
func TestInternet(t *testing.T) {
	t.Parallel()
	m := ready(t)
	said := m.watch()
	m.bgtask("add", "upload", "--when", "internet", "--", "true")
	m.bgtask("add", "online", "--on", "internet", "--", "true")
	m.bgtask("add", "call", "--when", "internet", "--cancel-on-loss", "--", "sh", "-c", graceful)
	m.bgtask("fire", "call")
	said.of("running", "call")

	m.unplug()
	if f := said.fact("internet", "no").Fact; f.Source != "systemd-networkd" {
		t.Errorf("internet=no was reported by %s", f.Source)
	}
	m.bgtask("fire", "upload")
	if i := m.task("upload"); !i.heldBy("condition", "InternetAvailable") {
		t.Errorf("without a cable, upload is %+v", i.State)
	}
	said.ended("call", "canceled", "ConditionLoss")
	if i := m.task("call"); !i.heldBy("condition", "InternetAvailable") {
		t.Errorf("after the loss, call is %+v", i.State)
	}

	m.plug()
	said.ended("upload", "completed", "")
	said.ended("online", "completed", "")
	if i := m.task("call"); !i.heldBy("settle", "") {
		t.Errorf("the cable is plugged in again, but call is %+v", i.State)
	}
}

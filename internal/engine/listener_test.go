package engine

import "testing"

func TestWhoHasARun(t *testing.T) {
	w := newWorld(t)
	for _, line := range []string{"package app class=A", "register Web listen=tcp:127.0.0.1:7777"} {
		w.run(line)
	}
	web := w.tasks["Web"]
	if w.e.Busy(web) {
		t.Error("busy before it has fired")
	}
	w.run("connection Web 127.0.0.1:40000") // no host serves its class
	if !w.e.Busy(web) {
		t.Error("not busy although it has fired")
	}
	w.run("attach app package=app classes=A")
	u := w.e.regs[web].run
	if id, host, ok := w.e.RunOf(u.ID); !ok || id != web || host != w.hosts["app"] || !w.e.Busy(web) {
		t.Errorf("RunOf = %v, %v, %v", id, host, ok)
	}
	w.run("finish run1 completed")
	if _, _, ok := w.e.RunOf(u.ID); ok || w.e.Busy(web) {
		t.Errorf("after the run ended: RunOf %v, Busy %v", ok, w.e.Busy(web))
	}
}

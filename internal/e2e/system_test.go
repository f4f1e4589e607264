//go:build linux

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/bgtask/bgtask/task"
)

// unpack installs a folder as dpkg does: each file appears in its place atomically.
func (w *world) unpack(folder string, files fstest.MapFS) {
	w.t.Helper()
	for name, f := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(path+".new", f.Data, 0o755); err != nil {
			w.t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) awaitVersion(name, version string) task.Package {
	w.t.Helper()
	eventually(w.t, name+" has version "+version, func() bool { return w.packages()[name].Version == version })
	return w.packages()[name]
}

func TestPackagesOfTheSystem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.extra = []string{"XDG_DATA_DIRS=" + w.path("usr/share") + ":" + w.path("none")}
	system := w.path("usr/share/bgtask/packages")
	vendor := w.publisher("Vendor")
	w.unpack(system+"/tool", script("Tool", "1.0.0.0", vendor, "one"))
	w.unpack(system+"/broken", fstest.MapFS{"AppxManifest.xml": {Data: []byte("<Package")}})
	w.start()

	// What is installed when the broker starts is visible to the first client.
	p := w.packages()["Tool"]
	if p.Version != "1.0.0.0" || p.Origin != task.OriginSystem || p.Folder != system+"/tool" {
		t.Fatalf("at first: %+v", p)
	}
	w.said(system+"/tool", w.do("packages"))
	doctor, _, _ := w.bgtask("doctor")
	w.said(system+"/broken", doctor)
	id := w.register(p.Family, event("work", "work", manyClass))
	done := w.register(p.Family, task.Spec{Name: "done", EntryPoint: manyClass, Trigger: task.SystemTrigger{Type: task.OnServicingComplete}})
	e := w.watch()
	if err := os.WriteFile(p.LocalFolder+"/notes", []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}

	// The package belongs to the system, so the user cannot remove it.
	w.refused(4, system+"/tool", "uninstall", "Tool")
	w.do("access", "Tool", "deny")
	w.do("access", "Tool", "reset")

	// The distribution upgrades and downgrades the package. Registrations stay.
	for _, version := range []string{"2.0.0.0", "1.5.0.0"} {
		i := e.mark()
		w.unpack(system+"/tool", script("Tool", version, vendor, version))
		w.awaitVersion("Tool", version)
		e.awaitFrom(i, "the update fires the task that waits for it", func(ev task.Event) bool { return ev.Kind == task.EventFired && ev.TaskID == done })
	}
	w.info(id)

	// The same happens while no broker is running.
	w.handOver()
	w.unpack(system+"/tool", script("Tool", "3.0.0.0", vendor, "three"))
	w.unpack(system+"/another", script("Another", "1.0.0.0", vendor, "another"))
	w.start()
	w.awaitVersion("Tool", "3.0.0.0")
	w.awaitVersion("Another", "1.0.0.0")

	// The user's own version takes precedence. After it is removed, the system's
	// version is back.
	w.do("trust", vendor.certificate)
	own := w.pack("own.msix", script("Tool", "3.1.0.0", vendor, "own"), vendor)
	w.said("updated to 3.1.0.0", w.do("install", own))
	w.info(id)
	w.unpack(system+"/tool", script("Tool", "4.0.0.0", vendor, "four"))
	w.unpack(system+"/another", script("Another", "2.0.0.0", vendor, "another"))
	w.awaitVersion("Another", "2.0.0.0") // both packages were read in one scan
	if p := w.packages()["Tool"]; p.Version != "3.1.0.0" {
		t.Errorf("the user's own version was replaced by %s", p.Version)
	}
	doctor, _, _ = w.bgtask("doctor")
	w.said("your version 3.1.0.0 hides the system's newer version 4.0.0.0.", doctor)
	w.do("uninstall", "--keep-data", "Tool")
	w.awaitVersion("Tool", "4.0.0.0")

	// The package disappears with its folder, but the user's data stays.
	if err := os.RemoveAll(system + "/tool"); err != nil {
		t.Fatal(err)
	}
	w.awaitVersion("Tool", "")
	if data, err := os.ReadFile(p.LocalFolder + "/notes"); string(data) != "data" {
		t.Errorf("the user's data: %q, %v", data, err)
	}
	if log := string(w.brokerLog()); strings.Count(log, "cannot use a system package") != 2 { // once per broker
		t.Errorf("the broken package is logged %d times", strings.Count(log, "cannot use a system package"))
	}
}

//go:build linux

package machine

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// cgroups returns where the kernel's cgroup2 is mounted, or "" if it is not.
func cgroups() string {
	table, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(table)) {
		if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" {
			return f[1]
		}
	}
	return ""
}

// enterCgroup creates the cgroup for all of the machine's processes.
func (m *machine) enterCgroup() {
	m.t.Helper()
	var err error
	if m.cgroup, err = os.MkdirTemp(cgroups(), "bgtask-machine-"); err != nil {
		m.t.Fatal(err)
	}
}

// leaveCgroup kills what is left of the machine and removes its cgroups. A cgroup can
// be removed only when it is empty, so the innermost goes first.
func (m *machine) leaveCgroup() {
	if m.cgroup == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(m.cgroup, "cgroup.kill"), []byte("1"), 0); err != nil {
		m.t.Errorf("the rest of the machine cannot be killed: %v", err)
		return
	}
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if err = removeGroups(m.cgroup); err == nil {
			m.cgroup = ""
			return
		}
	}
	m.t.Errorf("the machine left processes behind: %v", err)
}

func removeGroups(root string) error {
	var all []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			all = append(all, path)
		}
		return err
	})
	for _, dir := range slices.Backward(all) {
		if err := os.Remove(dir); err != nil {
			return err
		}
	}
	return err
}

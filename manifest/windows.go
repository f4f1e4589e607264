package manifest

import (
	"strconv"
	"strings"
)

// clsidTasks is the build of Windows that brought tasks with a CLSID.
const clsidTasks = 19041

// warnWindows tells what works here and will not on Windows.
func (r *reader) warnWindows() {
	if !r.hasProgram() {
		return
	}
	if !r.fullTrust() {
		r.add(r.root.pos, RuleFullTrust, "no Capability runFullTrust: Windows needs it to start a class server")
	}
	dependencies := r.root.child(foundation, "Dependencies")
	if dependencies == nil {
		return
	}
	for _, n := range dependencies.children {
		a := n.attr("MinVersion")
		if n.name.Local != "TargetDeviceFamily" || a == nil {
			continue
		}
		if build, ok := windowsBuild(a.value); ok && build < clsidTasks {
			r.add(a.pos, RuleMinVersion, "TargetDeviceFamily MinVersion=\"%s\": background tasks with a CLSID need Windows 10.0.%d.0", show(a.value), clsidTasks)
		}
	}
}

func (r *reader) hasProgram() bool {
	for _, s := range r.m.Servers {
		if s.Kind == ExeServer {
			return true
		}
	}
	return false
}

func (r *reader) fullTrust() bool {
	list := r.root.child(foundation, "Capabilities")
	if list == nil {
		return false
	}
	for _, n := range list.children {
		if a := n.attr("Name"); n.name.Space == rescap && a != nil && a.value == "runFullTrust" {
			return true
		}
	}
	return false
}

// windowsBuild is the third number of a version 10.0.x.y.
func windowsBuild(version string) (int, bool) {
	parts := strings.Split(version, ".")
	if len(parts) != 4 || parts[0] != "10" || parts[1] != "0" {
		return 0, false
	}
	n, err := strconv.Atoi(parts[2])
	return n, err == nil
}

package verb

import (
	"strings"

	"github.com/bgtask/bgtask/task"
)

// Names gives each task a label that a user can type: its name, PACKAGE/NAME if several
// tasks have that name, or its id if even that is ambiguous.
type Names struct {
	tasks  map[task.GUID]string
	paths  map[string]string // by FAMILY/NAME, as facts list their users
	shorts map[string]string // by family
}

// NewNames returns the labels of these tasks.
func NewNames(all []task.Info) Names {
	n := Names{tasks: map[task.GUID]string{}, paths: map[string]string{}}
	var families []string
	for _, info := range all {
		families = append(families, info.Package)
	}
	n.shorts = shorts(families)
	named, pathed := map[string]int{}, map[string]int{}
	for _, info := range all {
		named[info.Spec.Name]++
		pathed[n.path(info)]++
	}
	for _, info := range all {
		label := info.Spec.Name
		if named[label] > 1 || strings.HasPrefix(label, idPrefix) {
			label = n.path(info)
		}
		if pathed[n.path(info)] > 1 {
			label = idPrefix + shortID(info.TaskID, all)
		}
		n.tasks[info.TaskID] = label
		n.paths[info.Package+"/"+info.Spec.Name] = label
	}
	return n
}

// path is PACKAGE/NAME, with the shortest unambiguous name of the package.
func (n Names) path(info task.Info) string { return n.Package(info.Package) + "/" + info.Spec.Name }

// Of returns the label of a task. A removed one keeps its last name.
func (n Names) Of(id task.GUID, name string) string {
	if label, ok := n.tasks[id]; ok {
		return label
	}
	return name
}

// User returns the label of the task FAMILY/NAME.
func (n Names) User(path string) string {
	if label, ok := n.paths[path]; ok {
		return label
	}
	return path
}

// Package returns the part of a family name before the "_", or all of it if other
// families have the same part.
func (n Names) Package(family string) string {
	if short, ok := n.shorts[family]; ok {
		return short
	}
	return family
}

// shorts maps families to the shortest names that are unambiguous.
func shorts(families []string) map[string]string {
	owner := map[string]string{}
	for _, family := range families {
		short := shortFamily(family)
		if other, taken := owner[short]; taken && other != family {
			owner[short] = "" // shared
			continue
		}
		owner[short] = family
	}
	all := map[string]string{}
	for _, family := range families {
		all[family] = family
		if short := shortFamily(family); owner[short] == family {
			all[family] = short
		}
	}
	return all
}

func shortFamily(family string) string {
	short, _, _ := strings.Cut(family, "_")
	return short
}

// shortID returns the shortest prefix of id, of at least eight digits, that no other
// task has.
func shortID(id task.GUID, all []task.Info) string {
	s := id.String()
	for n := 8; n < len(s); n++ {
		unique := true
		for _, other := range all {
			if other.TaskID != id && strings.HasPrefix(other.TaskID.String(), s[:n]) {
				unique = false
				break
			}
		}
		if unique {
			return s[:n]
		}
	}
	return s
}

package verb

import (
	"strings"

	"github.com/bgtask/bgtask/task"
)

// Names says how each task is to be called so that it can be typed back: by its
// name, by PACKAGE/NAME when there are several of that name, else by its id.
type Names struct {
	tasks  map[task.GUID]string
	paths  map[string]string // of PACKAGE/NAME, as facts know their users
	shorts map[string]string // of families
}

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

// path is PACKAGE/NAME with the package as short as can be.
func (n Names) path(info task.Info) string { return n.Package(info.Package) + "/" + info.Spec.Name }

// Of is how the task is called; one that is not there any more by its last name.
func (n Names) Of(id task.GUID, name string) string {
	if label, ok := n.tasks[id]; ok {
		return label
	}
	return name
}

// User is how a task is called that is known by family and name.
func (n Names) User(path string) string {
	if label, ok := n.paths[path]; ok {
		return label
	}
	return path
}

// Package is the family name's part before the "_" where no other family has the same.
func (n Names) Package(family string) string {
	if short, ok := n.shorts[family]; ok {
		return short
	}
	return family
}

// shorts are the shortest names that tell the families apart.
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

// shortID is the shortest prefix of id, of eight digits or more, that no other
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

package main

import (
	"fmt"
	"strings"

	"github.com/bgtask/bgtask/task"
)

// The lists in doc/SEMANTICS.md that are generated from the tables. Each is between a
// comment with its name and a comment that ends it.
var lists = map[string]func() string{
	"conditions": conditionList,
	"reasons":    reasonList,
}

const endOfList = "<!-- end -->"

// contract returns the text with its lists regenerated.
func contract(text string) (string, error) {
	for name, list := range lists {
		begin := "<!-- " + name + ": go generate ./task -->"
		before, rest, found := strings.Cut(text, begin)
		_, after, ended := strings.Cut(rest, endOfList)
		if !found || !ended {
			return "", fmt.Errorf("doc/SEMANTICS.md has no place for the list of %s: it is between %q and %q", name, begin, endOfList)
		}
		text = before + begin + list() + endOfList + after
	}
	return text, nil
}

func conditionList() string {
	var windows, ours []string
	for _, row := range task.SystemConditions() {
		if row.Windows {
			windows = append(windows, row.Name)
		} else {
			ours = append(ours, row.Name)
		}
	}
	return fmt.Sprintf("The system conditions are WinRT's %d (%s)\nand ours (%s).", len(windows), strings.Join(windows, ", "), strings.Join(ours, ", "))
}

func reasonList() string {
	var windows, ours []string
	for _, row := range task.Reasons() {
		text := fmt.Sprintf("%s %d", row.Name, row.Reason)
		if row.Windows {
			windows = append(windows, text)
		} else {
			ours = append(ours, text)
		}
	}
	s := "Reasons and numbers are WinRT's: " + strings.Join(windows, ", ") + "."
	if len(ours) > 0 {
		s += " Ours: " + strings.Join(ours, ", ") + "."
	}
	return s
}

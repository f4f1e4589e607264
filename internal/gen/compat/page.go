package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/bgtask/bgtask/task"
)

const head = `# Compatibility with Windows

<!-- Written by internal/gen/compat from the tables in package task; do not edit. Run: go generate ./task -->

This page lists what ` + "`Windows.ApplicationModel.Background`" + ` has, and its support status in bgtask on Linux. A trigger that
cannot fire is refused at registration, with the sentence on this page. It is never accepted and then ignored.
`

func source(fact string) string {
	row, _ := task.FactOf(fact)
	return row.Source
}

func page() []byte {
	b := new(bytes.Buffer)
	b.WriteString(head)
	triggers(b)
	systemTriggers(b)
	conditions(b)
	reasons(b)
	access(b)
	membersTable(b)
	windows(b)
	return b.Bytes()
}

func section(b *bytes.Buffer, title, text string, columns ...string) {
	fmt.Fprintf(b, "\n## %s\n\n", title)
	if text != "" {
		b.WriteString(text + "\n\n")
	}
	row(b, columns...)
	row(b, strings.Split(strings.Repeat("---,", len(columns)-1)+"---", ",")...)
}

func row(b *bytes.Buffer, cells ...string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }

func code(s string) string { return "`" + s + "`" }

func triggers(b *bytes.Buffer) {
	count := map[task.Support]int{}
	windows := 0
	for _, r := range task.TriggerClasses() {
		if r.Windows {
			count[r.Support]++
			windows++
		}
	}
	text := fmt.Sprintf("Windows has %d trigger classes: %d are supported here, %d may be supported later and are refused until then, %d are refused permanently.",
		windows, count[task.Supported], count[task.Later], count[task.Refused])
	section(b, "Triggers", text, "class", "here", "source on Linux", "how, or why not")
	for _, r := range task.TriggerClasses() {
		name := code(r.Class)
		if !r.Windows {
			name += " (ours)"
		}
		row(b, name, r.Support.String(), r.Source, r.Why)
	}
}

func systemTriggers(b *bytes.Buffer) {
	section(b, "System trigger types", "", "type", "number", "here", "`--on`", "fact", "source on Linux", "what it means, or why not")
	for _, r := range task.SystemTriggerTypes() {
		support, fact, word := task.Refused, "", ""
		if r.Supported {
			support = task.Supported
		}
		if r.Fact != "" {
			fact = code(r.Fact)
		}
		if r.Word != "" {
			word = code(r.Word)
		}
		from := source(r.Fact)
		if r.Supported && from == "" {
			from = "the broker"
		}
		row(b, code(r.Name), fmt.Sprint(int(r.Type)), support.String(), word, fact, from, r.Why)
	}
}

func conditions(b *bytes.Buffer) {
	section(b, "Conditions", "All eight of Windows are supported. The others are ours and have no number there.",
		"condition", "number", "`--when`", "holds when", "source on Linux")
	for _, r := range task.SystemConditions() {
		number := "ours"
		if r.Windows {
			number = fmt.Sprint(int(r.Condition))
		}
		var wants, from []string
		for _, n := range r.Needs {
			wants = append(wants, code(n.Want))
			if s := source(n.Fact); len(from) == 0 || from[len(from)-1] != s {
				from = append(from, s)
			}
		}
		row(b, code(r.Name), number, code(r.Word), strings.Join(wants, " and "), strings.Join(from, "; "))
	}
}

func reasons(b *bytes.Buffer) {
	section(b, "Cancellation reasons", "", "reason", "number", "sent when")
	for _, r := range task.Reasons() {
		number := "ours"
		if r.Windows {
			number = fmt.Sprint(int(r.Reason))
		}
		row(b, code(r.Name), number, r.Sent)
	}
}

func access(b *bytes.Buffer) {
	section(b, "Access status", "The numbers 1 to 3 belong to Windows 8 and are left out.", "status", "number", "means")
	for _, r := range task.AccessStatuses() {
		row(b, code(r.Name), fmt.Sprint(int(r.Status)), r.Means)
	}
}

func membersTable(b *bytes.Buffer) {
	section(b, "Members", "Where to find each name of the Windows page in package bgtask.", "Windows", "here", "remark")
	for _, m := range members {
		row(b, m.windows, m.here, m.remark)
	}
}

func windows(b *bytes.Buffer) {
	b.WriteString("\n# The same program on Windows\n\nOn Windows, the program uses the broker of Windows; doc/WINDOWS.md explains how to ship it. What Windows has no equal of is refused with `ErrNotSupportedOnWindows`.\n")
	section(b, "Options that Windows does not have", "Refused by `Validate` and `Register` on Windows, and by `Validate(PortableToWindows)` everywhere. So are the conditions and triggers marked as ours, and timers below 15 minutes or with a fraction of a minute.",
		"option", "why", "instead")
	for _, r := range task.WindowsOptions() {
		row(b, code(r.What), r.How, r.Hint)
	}
	section(b, "What is different or missing on Windows", "", "member", "there", "how, or why not", "instead")
	for _, r := range task.WindowsOperations() {
		there := "refused"
		if r.Done {
			there = "yes"
		}
		row(b, code(r.What), there, r.How, r.Hint)
	}
}

package adding

import (
	"fmt"
	"strings"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/task"
)

const addExample = `  bgtask add backup --every 6h --when internet,on-ac --limit 1h --retry 5 \
    -- restic backup /home/ann
  bgtask add --calendar "Mon..Fri 09:00" -- ./report.sh
  bgtask add sort --on path:Downloads -- ./sort.sh`

// addHelp lists the events and conditions of this version.
func addHelp() string {
	var b strings.Builder
	b.WriteString(`Create a task that runs a command when its trigger fires and its conditions hold.

A task has at most one trigger. Without one, only 'bgtask fire' fires it.

Events of --on:
`)
	wrapped(&b, systemWords())
	for _, k := range eventKinds {
		fmt.Fprintf(&b, "  %-30s %s\n", k.form, k.help)
	}
	b.WriteString("\nConditions of --when:\n")
	wrapped(&b, conditionWords())
	b.WriteString("  With a \"?\", as in idle?, a condition also holds while its fact is unknown.\n")
	b.WriteString(`
NAME defaults to the name of the command. The command is looked up now, and is not
run by a shell. It runs with the current PATH, HOME, locale, umask and directory,
plus these variables: BGTASK_TASK, BGTASK_OCCURRENCE, BGTASK_ATTEMPT,
BGTASK_LOCAL_FOLDER (a directory for its data), and BGTASK_DETAILS, which holds the
trigger's details as JSON, including changed paths. A command with a socket trigger
gets the listening socket as systemd passes it (LISTEN_FDS).

SIGTERM asks the command to stop. Exit code 75 asks for a retry; with --retry, every
failure is retried.`)
	return b.String()
}

// wrapped writes words in lines of the help text.
func wrapped(b *strings.Builder, words []string) {
	const helpColumns = 80
	fmt.Fprintln(b, term.WrapAt("  "+strings.Join(words, " "), 2, helpColumns))
}

// systemWords are the events without a parameter: the system triggers.
func systemWords() (all []string) {
	for _, row := range task.SystemTriggerTypes() {
		if row.Word != "" {
			all = append(all, row.Word)
		}
	}
	return all
}

// Command vocabulary writes the constants of package bgtask: those of package task,
// with the same names and comments. So the SDK has a new condition, outcome or reason
// as soon as package task has it.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	from := flag.String("from", "task", "the `directory` of package task")
	out := flag.String("o", "vocabulary_constants.go", "the `file` to write")
	flag.Parse()
	source, err := constants(*from)
	if err == nil {
		err = os.WriteFile(*out, source, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "vocabulary:", err)
		os.Exit(1)
	}
}

// Command compat writes doc/COMPATIBILITY.md: everything that Windows has, and
// what bgtask answers to it. The tables are those that the program itself goes
// by, so the page cannot promise anything else.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	out := flag.String("o", "doc/COMPATIBILITY.md", "the `file` to write")
	flag.Parse()
	if err := os.WriteFile(*out, page(), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "compat:", err)
		os.Exit(1)
	}
}

// Command compat writes doc/COMPATIBILITY.md: everything that Windows has, with its
// support status in bgtask. It also writes the lists of doc/SEMANTICS.md. The tables
// are those that the program itself reads, so the pages cannot promise anything else.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	out := flag.String("o", "doc/COMPATIBILITY.md", "the `file` to write")
	semantics := flag.String("contract", "doc/SEMANTICS.md", "the `file` whose lists to write")
	flag.Parse()
	err := os.WriteFile(*out, page(), 0o644)
	if err == nil {
		err = renew(*semantics)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "compat:", err)
		os.Exit(1)
	}
}

// renew replaces the lists in the contract.
func renew(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	current, err := contract(string(text))
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(current), 0o644)
}

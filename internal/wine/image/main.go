//go:build linux

// image prints the folder with Wine in which scripts/wine runs Windows programs.
package main

import (
	"fmt"
	"os"

	"github.com/bgtask/bgtask/internal/wine"
)

func main() {
	dir, err := wine.Image(func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) })
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(dir)
}

//go:build linux

// minimal prints the directory of a Debian 13 with git, make and an ordinary user. It
// makes the directory unless it is in the cache. .ci/minimal runs the README's commands
// in it.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/bgtask/bgtask/internal/debian"
)

const recipe = `
chroot . useradd --create-home --uid 1000 --shell /bin/bash ann
rm -rf var/cache/apt/archives/*.deb var/lib/apt/lists/*
`

func main() {
	image := debian.Image{Name: "minimal", Packages: []string{"git", "make", "ca-certificates"}, Recipe: recipe}
	dir, err := image.Make(context.Background(), func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) })
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(dir)
}

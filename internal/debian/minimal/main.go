//go:build linux

// minimal prints the folder of a Debian 13 that has git, make and an ordinary user,
// and makes it when it is not in the cache. .ci/minimal runs the README's commands
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

//go:build linux

// prepare makes or finds what scripts/wine needs, and prints one path per line: the
// image with Wine, the fixture, and the programs. It exits with status 3 when the
// machine lacks something.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/bgtask/bgtask/internal/needs"
	"github.com/bgtask/bgtask/internal/wine"
	"github.com/bgtask/bgtask/internal/wine/fixture"
)

func main() {
	for _, missing := range []func() needs.Lack{wine.Missing, fixture.Missing} {
		if lack := missing(); lack.What != "" {
			if err := lack.RecordAll("Windows side"); err != nil {
				fail(1, err)
			}
			fail(3, errors.New(lack.String()))
		}
	}
	if err := prepare(context.Background(), os.Args[1]); err != nil {
		fail(1, err)
	}
}

func fail(code int, err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(code)
}

func prepare(ctx context.Context, checkout string) error {
	image, err := wine.Image(ctx, func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) })
	if err != nil {
		return err
	}
	dll, err := fixture.Make(ctx, checkout)
	if err != nil {
		return err
	}
	programs, err := fixture.Programs(ctx, checkout)
	if err != nil {
		return err
	}
	fmt.Println(image)
	fmt.Println(dll)
	fmt.Println(programs)
	return nil
}

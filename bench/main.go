//go:build linux

// Bench measures what users notice: a warm and a cold activation, a registration,
// firings per second, the start with 100,000 registrations, the memory per
// registration, an idle broker, and the speed of packing. Each figure is shown next to
// the machine's own floor from the same run.
//
// It needs a bgtask binary (-bgtask). It works in a temporary directory with a private
// broker on its own Unix sockets, and ends by itself.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/bgtask/bgtask"
)

func main() {
	if bgtask.Launched() {
		os.Exit(bgtask.Main(server()...))
	}
	hello := flag.Bool("hello", false, "print a line and exit: the floor of a cold activation")
	binary := flag.String("bgtask", "bin/bgtask", "the bgtask binary to measure")
	quick := flag.Bool("quick", false, "run fewer rounds, to check that it works")
	flag.Parse()
	if *hello {
		fmt.Println("hello")
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *binary, *quick); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// rounds is how often each thing is measured.
type rounds struct{ warm, cold, register, fire, many, pack, packFiles int }

func run(ctx context.Context, w io.Writer, binary string, quick bool) error {
	n := rounds{warm: 1000, cold: 40, register: 300, fire: 20_000, many: 100_000, pack: 2, packFiles: 2}
	if quick {
		n = rounds{warm: 50, cold: 5, register: 20, fire: 500, many: 2000, pack: 1, packFiles: 1}
	}
	binary, err := filepath.Abs(binary)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bgtask-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	t := &table{w: w}
	floor, err := measureFloor(ctx, t, dir)
	if err != nil {
		return err
	}
	b, err := startBroker(ctx, binary, filepath.Join(dir, "small"))
	if err != nil {
		return err
	}
	defer b.stop()
	for _, measure := range []func(context.Context, *table, *broker, floors, rounds) error{warm, cold, register, firings} {
		if err := measure(ctx, t, b, floor, n); err != nil {
			return err
		}
	}
	b.stop()
	if err := idle(ctx, t, binary, filepath.Join(dir, "idle"), n); err != nil {
		return err
	}
	if err := large(ctx, t, binary, filepath.Join(dir, "large"), n); err != nil {
		return err
	}
	return packing(ctx, t, filepath.Join(dir, "packing"), n)
}

// table prints one figure per line: what, how much, the goal, and the floor.
type table struct {
	w      io.Writer
	headed bool
}

func (t *table) row(what, figure, goal, beside string) {
	if !t.headed {
		t.headed = true
		t.row("WHAT", "FIGURE", "GOAL", "BESIDE, SAME RUN")
	}
	fmt.Fprintf(t.w, "%-34s  %-26s  %-14s  %s\n", what, figure, goal, beside)
}

func short(d time.Duration) string {
	switch {
	case d < 10*time.Microsecond:
		return d.Round(10 * time.Nanosecond).String()
	case d < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case d < time.Second:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}

//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// floors are the costs of the machine itself.
type floors struct {
	roundTrip time.Duration // one byte there and back over a Unix socket
	fsync     time.Duration // 4 KiB appended and synced
	exec      time.Duration // fork, exec and the first line of this very binary
}

func measureFloor(ctx context.Context, t *table, dir string) (f floors, err error) {
	if f.roundTrip, err = roundTrip(ctx, dir); err != nil {
		return f, err
	}
	if f.fsync, err = fsync(dir); err != nil {
		return f, err
	}
	if f.exec, err = forkExec(ctx); err != nil {
		return f, err
	}
	t.row("floor: Unix socket round trip", short(f.roundTrip), "", "p50 of 2,000")
	t.row("floor: append 4 KiB and fsync", short(f.fsync), "", "p50 of 200, same file system as the store")
	t.row("floor: fork, exec, first line", short(f.exec), "", "p50 of 20, this binary")
	return f, nil
}

func roundTrip(ctx context.Context, dir string) (time.Duration, error) {
	l, err := net.Listen("unix", filepath.Join(dir, "floor.sock"))
	if err != nil {
		return 0, err
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		for one := make([]byte, 1); ; {
			if _, err := c.Read(one); err != nil {
				return
			}
			if _, err := c.Write(one); err != nil {
				return
			}
		}
	}()
	c, err := new(net.Dialer).DialContext(ctx, "unix", l.Addr().String())
	if err != nil {
		return 0, err
	}
	defer c.Close()
	one := make([]byte, 1)
	return p50(2000, func() error {
		if _, err := c.Write(one); err != nil {
			return err
		}
		_, err := c.Read(one)
		return err
	})
}

func fsync(dir string) (time.Duration, error) {
	f, err := os.Create(filepath.Join(dir, "floor.file"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	page := make([]byte, 4096)
	return p50(200, func() error {
		if _, err := f.Write(page); err != nil {
			return err
		}
		return f.Sync()
	})
}

func forkExec(ctx context.Context) (time.Duration, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	return p50(20, func() error {
		cmd := exec.CommandContext(ctx, self, "-hello")
		out, err := cmd.StdoutPipe()
		if err != nil {
			return err
		}
		if err := cmd.Start(); err != nil {
			return err
		}
		line, _, err := bufio.NewReader(out).ReadLine()
		if err != nil {
			return fmt.Errorf("-hello: %w", err)
		}
		if string(line) != "hello" {
			return fmt.Errorf("-hello printed %q", line)
		}
		return cmd.Wait()
	})
}

// p50 returns the median duration of n calls.
func p50(n int, call func() error) (time.Duration, error) {
	times := make([]time.Duration, 0, n)
	for range n {
		began := time.Now()
		if err := call(); err != nil {
			return 0, err
		}
		times = append(times, time.Since(began))
	}
	return quantile(times, 0.5), nil
}

func quantile(times []time.Duration, q float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[min(int(q*float64(len(times))), len(times)-1)]
}

//go:build linux

package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/bgtask/bgtask"
)

// broker is a private broker in its own directory.
type broker struct {
	cmd    *exec.Cmd
	socket string
	client *bgtask.Client
	ready  time.Duration // from fork to the first answer
}

func startBroker(ctx context.Context, binary, dir string) (*broker, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	b := &broker{socket: filepath.Join(dir, "run", "bgtask.sock")}
	if err := os.MkdirAll(filepath.Dir(b.socket), 0o700); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "broker.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	b.cmd = exec.CommandContext(ctx, binary, "daemon", "--socket", b.socket, "--state", filepath.Join(dir, "state"))
	b.cmd.Stdout, b.cmd.Stderr = log, log
	b.cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+dir)
	b.cmd.Cancel = func() error { return b.cmd.Process.Signal(syscall.SIGTERM) }
	b.client = &bgtask.Client{Socket: b.socket, Logger: slog.New(slog.DiscardHandler)}
	began := time.Now()
	if err := b.cmd.Start(); err != nil {
		return nil, err
	}
	for {
		if _, err = os.Stat(b.socket); err == nil {
			if _, err = b.client.Facts(ctx); err == nil {
				break
			}
		}
		if time.Since(began) > 30*time.Second {
			text, _ := os.ReadFile(log.Name())
			b.stop()
			return nil, fmt.Errorf("the broker does not come up: %w\n%s", err, text)
		}
		time.Sleep(time.Millisecond)
	}
	b.ready = time.Since(began)
	return b, nil
}

// stop ends the broker and waits for it. Further calls do nothing.
func (b *broker) stop() {
	if b.cmd.ProcessState != nil {
		return
	}
	_ = b.client.Close() // the process ends next
	_ = b.cmd.Process.Signal(syscall.SIGTERM)
	done := time.AfterFunc(10*time.Second, func() { _ = b.cmd.Process.Kill() })
	_ = b.cmd.Wait()
	done.Stop()
}

// status returns a number in KiB from /proc/PID/status.
func (b *broker) status(field string) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", b.cmd.Process.Pid))
	for _, line := range strings.Split(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n
		}
	}
	return 0
}

// wakeUps counts how often any thread of the broker was scheduled on a processor.
func (b *broker) wakeUps() int {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", b.cmd.Process.Pid))
	total := 0
	for _, file := range files {
		text, _ := os.ReadFile(file)
		if words := strings.Fields(string(text)); len(words) == 3 {
			n, _ := strconv.Atoi(words[2])
			total += n
		}
	}
	return total
}

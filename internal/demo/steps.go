//go:build linux

package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/bgtask/bgtask/examples/primes"
	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

var steps = []step{
	{"install", (*story).install},
	{"register", (*story).register},
	{"offline", (*story).offline},
	{"fire", (*story).fireHeld},
	{"why", (*story).why},
	{"online", (*story).online},
	{"progress", (*story).progress},
	{"cancel", (*story).cancel},
	{"check", (*story).check},
	{"leave", (*story).leave},
	{"open", (*story).open},
	{"fire", (*story).fireInApp},
	{"history", (*story).history},
	{"clean", (*story).clean},
}

// unpack creates the package folder with the manifest, and this binary under the
// application's name.
func (s *story) unpack() error {
	dir := filepath.Join(s.folder, AppName)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.folder, "AppxManifest.xml"), primes.Manifest, 0o600); err != nil {
		return err
	}
	return copyFile(filepath.Join(dir, AppName), s.Binary)
}

func copyFile(to, from string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o700)
}

func (s *story) executable() string { return filepath.Join(s.folder, AppName, AppName) }

func (s *story) install(ctx context.Context) (string, error) {
	done, err := s.client.Install(ctx, s.folder, client.Installing{})
	if err != nil {
		return "", err
	}
	s.family = done.Package.Family
	return s.family, expect("family name", s.family, "SamplePackagedWinMainBackgroundApp_h91ms92gdsmmt")
}

func (s *story) register(ctx context.Context) (string, error) {
	if out, err := s.command(s.executable(), "-RegisterSampleTask").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	all, err := s.client.Tasks(ctx, wire.TaskQuery{AllGroups: true})
	if err != nil {
		return "", err
	}
	if len(all) != 1 {
		return "", fmt.Errorf("expected one task, found %d", len(all))
	}
	s.registered, s.id = all[0], all[0].TaskID
	return AppName + " -RegisterSampleTask\nevery 15 min, when InternetAvailable", expect("name", all[0].Spec.Name, "SampleTask")
}

func (s *story) offline(ctx context.Context) (string, error) {
	return "facts override internet=no", s.client.OverrideFact(ctx, task.FactInternet, task.No, 0)
}

func (s *story) fireHeld(ctx context.Context) (string, error) {
	n, err := s.client.Fire(ctx, s.id, client.Firing{ByHand: true})
	if err != nil {
		return "", err
	}
	info, err := s.client.Task(ctx, s.id)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("occurrence %d: %v", n, info.State.Phase), expect("phase", info.State.Phase.String(), "held")
}

func (s *story) why(ctx context.Context) (string, error) {
	x, err := s.client.Why(ctx, s.id)
	if err != nil {
		return "", err
	}
	lines := strings.Split(strings.TrimSpace(x.String()), "\n")
	first, last := lines[0], lines[len(lines)-1]
	if err := expect("verdict", first, "SampleTask is held: InternetAvailable fails."); err != nil {
		return "", err
	}
	return first + "\n" + strings.TrimSpace(last), expect("remedy", strings.TrimSpace(last), "would run  now if internet=yes. Nothing else blocks it.")
}

func (s *story) online(ctx context.Context) (string, error) {
	if err := s.client.OverrideFact(ctx, task.FactInternet, task.Yes, 0); err != nil {
		return "", err
	}
	starting, err := s.events.await(ctx, task.EventStarting)
	if err != nil {
		return "", err
	}
	running, err := s.events.await(ctx, task.EventRunning)
	if err != nil {
		return "", err
	}
	s.launched = *running.Run
	line, err := commandLine(s.launched.PID)
	if err != nil {
		return "", err
	}
	took := task.Duration(running.Time.Sub(starting.Time))
	return fmt.Sprintf("launched in %s, pid %d\n%s", took, s.launched.PID, line), expect("arguments", line, AppName+" -StartSampleTaskServer")
}

func commandLine(pid int) (string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	words := strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
	words[0] = filepath.Base(words[0])
	return strings.Join(words, " "), err
}

// enough is the number of primes at which the progress step ends.
const enough = 400_000

func (s *story) progress(ctx context.Context) (string, error) {
	until := time.Now().Add(3 * time.Second)
	var n uint32
	for n < enough && (n == 0 || time.Now().Before(until)) {
		ev, err := s.events.await(ctx, task.EventProgress)
		if err != nil {
			return "", err
		}
		n = ev.Run.Progress
		if s.Terminal {
			say(s.Out, "\r 7  progress  %s  %s primes ", bar(n, enough), thousands(int(n)))
		}
	}
	if s.Terminal {
		say(s.Out, "\r")
	}
	return fmt.Sprintf("%s  %s primes", bar(n, n), thousands(int(n))), nil
}

func bar(n, of uint32) string {
	const length = 20
	full := min(int(uint64(n)*length/uint64(max(of, 1))), length)
	return strings.Repeat("█", full) + strings.Repeat("░", length-full)
}

func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func (s *story) cancel(ctx context.Context) (string, error) {
	took, run, err := s.abort(ctx)
	s.launched = run
	return fmt.Sprintf("Abort: Run returned in %s, outcome %v: %s", task.Duration(took), run.Outcome, run.Reason.String()), err
}

// abort cancels the current run and waits for its outcome.
func (s *story) abort(ctx context.Context) (time.Duration, task.Run, error) {
	began := time.Now()
	if err := s.client.Cancel(ctx, s.id, task.ReasonAbort, false); err != nil {
		return 0, task.Run{}, err
	}
	ev, err := s.events.await(ctx, task.EventEnded)
	if err != nil {
		return 0, task.Run{}, err
	}
	return time.Since(began), *ev.Run, expect("outcome", ev.Run.Outcome.String()+" "+ev.Run.Reason.String(), "canceled Abort")
}

func (s *story) check(ctx context.Context) (string, error) {
	files, err := filepath.Glob(filepath.Join(s.dir, "state", "packages", s.family, "*", AppName, primes.LogFile))
	if err != nil || len(files) != 1 {
		return "", errors.Join(err, fmt.Errorf("expected one %s, found %v", primes.LogFile, files))
	}
	n, err := agreesWithSieve(files[0])
	return fmt.Sprintf("%s: %s primes, an independent sieve agrees", primes.LogFile, thousands(n)), err
}

func (s *story) leave(ctx context.Context) (string, error) {
	for alive(s.launched.PID) {
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("pid %d is still running", s.launched.PID)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return "the server exited by itself after its linger time", nil
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func (s *story) open(context.Context) (string, error) {
	s.app = s.command(s.executable())
	if err := s.app.Start(); err != nil {
		return "", err
	}
	return fmt.Sprintf("started the application: %s, pid %d", AppName, s.app.Process.Pid), nil
}

func (s *story) fireInApp(ctx context.Context) (string, error) {
	if err := s.awaitApp(ctx); err != nil {
		return "", err
	}
	began := time.Now()
	n, err := s.client.Fire(ctx, s.id, client.Firing{ByHand: true})
	if err != nil {
		return "", err
	}
	ev, err := s.events.await(ctx, task.EventRunning)
	if err != nil {
		return "", err
	}
	took := task.Duration(ev.Run.Entered.Sub(began.Round(0)))
	s.inApp = *ev.Run
	return fmt.Sprintf("occurrence %d: Run entered in %s, in pid %d, no launch", n, took, ev.Run.PID), expect("pid", ev.Run.PID, s.app.Process.Pid)
}

// awaitApp waits until the application serves its class.
func (s *story) awaitApp(ctx context.Context) error {
	for {
		status, err := s.client.Status(ctx)
		if err != nil {
			return err
		}
		if status.Hosts > 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the application did not attach: %w", ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (s *story) history(ctx context.Context) (string, error) {
	time.Sleep(time.Second) // let the run last a second, so that the history shows a duration
	if _, _, err := s.abort(ctx); err != nil {
		return "", err
	}
	var lines []string
	for ev, err := range s.client.History(ctx, wire.HistoryQuery{TaskID: s.id, Kinds: []task.EventKind{task.EventEnded}}) {
		if err != nil {
			return "", err
		}
		r := ev.Run
		lines = append(lines, fmt.Sprintf("OCC %d  %v: %s  %.1f s  %s, pid %d", r.Occurrence.Number, r.Outcome, r.Reason.String(), r.Ended.Sub(r.Started).Seconds(), r.Host, r.PID))
	}
	return strings.Join(lines, "\n"), expect("runs", len(lines), 2)
}

func (s *story) clean(ctx context.Context) (string, error) {
	end(s.app)
	if err := s.client.Uninstall(ctx, s.family, false); err != nil {
		return "", err
	}
	s.events.stop()
	if err := s.client.Stop(ctx, 5*time.Second); err != nil {
		return "", err
	}
	_ = s.client.Close()
	_ = s.broker.Wait()
	if left := processesIn(s.dir); len(left) > 0 {
		return "", fmt.Errorf("still running: %v", left)
	}
	if err := expect("socket", exists(s.client.Socket), false); err != nil {
		return "", err
	}
	if err := expect("data folder", exists(filepath.Join(s.dir, "state", "packages", s.family)), false); err != nil {
		return "", err
	}
	if err := os.RemoveAll(s.dir); err != nil {
		return "", err
	}
	return "no process, socket or file left", nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func expect[T comparable](what string, found, expected T) error {
	if found != expected {
		return fmt.Errorf("%s: expected %v, found %v", what, expected, found)
	}
	return nil
}

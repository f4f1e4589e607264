//go:build linux

package store_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/store"
)

// The test binary is its own child, which commits until it is killed or fails.
const (
	childDir   = "STORE_TEST_DIR"
	childLimit = "STORE_TEST_FSIZE" // RLIMIT_FSIZE, set once the store is open
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := child(dir, os.Getenv(childLimit)); err != nil {
			fmt.Println("error:", err)
		}
		return
	}
	os.Exit(m.Run())
}

// Each commit of the child writes its number into this many ledgers and events.
const (
	childLedgers = 10
	childEvents  = 3
)

func childCommit(number uint64) []engine.Write {
	var writes []engine.Write
	for n := range childLedgers {
		ledger := sampleLedger(n)
		ledger.Firing = number
		writes = append(writes, engine.Put{Record: ledger})
	}
	for n := range uint64(childEvents) {
		writes = append(writes, engine.Append{Event: sampleEvent((number-1)*childEvents+n+1, int(n))})
	}
	return writes
}

// child prints the number of each commit once it is acknowledged.
func child(dir, limit string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, dir, store.Options{})
	if err != nil {
		return err
	}
	st, err := s.Load(ctx)
	if err != nil {
		return err
	}
	if limit != "" {
		if err := limitFileSize(limit); err != nil {
			return err
		}
	}
	for number := st.Seq/childEvents + 1; ; number++ {
		if err := s.Commit(ctx, childCommit(number)); err != nil {
			if again := s.Commit(ctx, childCommit(number)); again != err {
				return fmt.Errorf("the store accepted another commit after %w: %v", err, again)
			}
			return err
		}
		fmt.Println(number)
	}
}

func limitFileSize(limit string) error {
	signal.Ignore(syscall.SIGXFSZ)
	size, err := strconv.ParseUint(limit, 10, 64)
	if err != nil {
		return err
	}
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: size})
}

func startChild(t *testing.T, dir string, env ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(append(os.Environ(), childDir+"="+dir), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(io.LimitReader(out, 1<<20))
}

// TestKill checks that everything acknowledged is there, and that every other commit is
// there completely or not at all. Each round continues where the previous child was
// killed.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(1, 1))
	for range 8 {
		cmd, lines := startChild(t, dir)
		acknowledged := uint64(0)
		stop := 1 + r.IntN(60)
		for n := 0; lines.Scan(); n++ {
			acknowledged = number(t, lines.Text())
			if n == stop {
				cmd.Process.Kill()
			}
		}
		cmd.Wait()
		judgeChild(t, dir, acknowledged)
	}
}

// TestFileTooBig checks that a commit that cannot be written fails, that further
// commits fail as well, and that everything acknowledged before is there.
func TestFileTooBig(t *testing.T) {
	dir := t.TempDir()
	cmd, lines := startChild(t, dir, childLimit+"=400000")
	acknowledged, failure := uint64(0), ""
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "error: "); ok {
			failure = text
		} else {
			acknowledged = number(t, lines.Text())
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if acknowledged == 0 || !strings.HasPrefix(failure, "commit: "+filepath.Join(dir, "store.db")+": the disk failed") {
		t.Fatalf("after commit %d: %q", acknowledged, failure)
	}
	judgeChild(t, dir, acknowledged)
}

func number(t *testing.T, line string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(line, 10, 64)
	if err != nil {
		t.Fatalf("the child prints %q", line)
	}
	return n
}

func judgeChild(t *testing.T, dir string, acknowledged uint64) {
	t.Helper()
	s := openStore(t, dir, store.Options{})
	st := load(t, s)
	last := st.Seq / childEvents
	if last != acknowledged && last != acknowledged+1 {
		t.Fatalf("commit %d was acknowledged, the store has %d", acknowledged, last)
	}
	if st.Seq%childEvents != 0 || len(st.Ledgers) != childLedgers {
		t.Fatalf("an incomplete commit: seq %d, %d ledgers", st.Seq, len(st.Ledgers))
	}
	for _, ledger := range st.Ledgers {
		if ledger.Firing != last {
			t.Fatalf("an incomplete commit: a ledger is of commit %d, the last is %d", ledger.Firing, last)
		}
	}
	oldest, newest, err := s.Bounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := len(events(t, s, oldest, newest)); uint64(got) != newest-oldest {
		t.Fatalf("%d events after %d up to %d", got, oldest, newest)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	sqlite3Judge(t, filepath.Join(dir, "store.db"))
}

//go:build linux

package store_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/store"
	"github.com/bgtask/bgtask/internal/store/storetest"
	"github.com/bgtask/bgtask/task"
)

func events(t *testing.T, s *store.Store, after, upTo uint64) []task.Event {
	t.Helper()
	var all []task.Event
	for e, err := range s.Events(t.Context(), after, upTo) {
		if err != nil {
			t.Fatalf("Events(%d, %d): %v", after, upTo, err)
		}
		all = append(all, e)
	}
	return all
}

func seqs(events []task.Event) []uint64 {
	all := []uint64{}
	for _, e := range events {
		all = append(all, e.Seq)
	}
	return all
}

func appends(t *testing.T, s *store.Store, events ...task.Event) {
	t.Helper()
	var writes []engine.Write
	for _, e := range events {
		writes = append(writes, engine.Append{Event: e})
	}
	commit(t, s, writes...)
}

func TestEvents(t *testing.T) {
	s := openStore(t, t.TempDir(), store.Options{})
	var want []task.Event
	for n := range 1000 {
		want = append(want, sampleEvent(uint64(n+1), n%7))
	}
	appends(t, s, want...)
	if diff := cmp.Diff(want, events(t, s, 0, 1000), storetest.Same); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[300:900], events(t, s, 300, 900), storetest.Same); diff != "" {
		t.Errorf("after 300 up to 900 (-want +got):\n%s", diff)
	}
	if got := events(t, s, 1000, 1000); len(got) != 0 {
		t.Errorf("there are no newer events yet, but got %d", len(got))
	}
	for _, err := range s.Events(t.Context(), 1001, 2000) {
		if !errors.Is(err, task.ErrCursorExpired) {
			t.Errorf("a cursor of another history: %v", err)
		}
	}
	for _, err := range s.Events(t.Context(), 0, 1000) {
		if err != nil {
			t.Error(err)
		}
		break // a reader may stop early
	}
	appends(t, s, sampleEvent(1001, 1))
}

func TestHistory(t *testing.T) {
	s := openStore(t, t.TempDir(), store.Options{})
	at := func(seq uint64, of int, kind task.EventKind) task.Event {
		e := sampleEvent(seq, of)
		e.Kind, e.Run, e.Time = kind, nil, start.Add(time.Duration(seq)*time.Hour)
		return e
	}
	ran := func(seq uint64, of int, o task.Outcome) task.Event {
		e := at(seq, of, task.EventEnded)
		e.Run = sampleRun(of)
		e.Run.Outcome = o
		return e
	}
	missed, done, expired := at(4, 2, task.EventMissed), at(5, 1, task.EventOccurrence), at(6, 1, task.EventOccurrence)
	missed.Missed = &task.Missed{Count: 17, Cause: task.MissedAsleep}
	done.End, expired.End = task.EndDone, task.EndExpired
	appends(t, s, at(1, 1, task.EventFired), ran(2, 1, task.Failed), ran(3, 2, task.Completed), missed, done, expired, ran(7, 11, task.Lost))

	tests := []struct {
		name  string
		query store.Query
		want  []uint64
	}{
		{"all", store.Query{}, []uint64{7, 6, 5, 4, 3, 2, 1}},
		{"limit", store.Query{Limit: 2}, []uint64{7, 6}},
		{"next page", store.Query{Limit: 2, Before: 6}, []uint64{5, 4}},
		{"task", store.Query{TaskID: numbered(1)}, []uint64{6, 5, 2, 1}},
		{"package", store.Query{Package: sampleEvent(1, 1).Package}, []uint64{7, 6, 5, 2, 1}},
		{"kinds", store.Query{Kinds: []task.EventKind{task.EventEnded, task.EventMissed}}, []uint64{7, 4, 3, 2}},
		{"outcomes", store.Query{Outcomes: []task.Outcome{task.Failed, task.Lost}}, []uint64{7, 2}},
		{"since", store.Query{Since: start.Add(4 * time.Hour)}, []uint64{7, 6, 5, 4}},
		{"until", store.Query{Until: start.Add(4 * time.Hour)}, []uint64{3, 2, 1}},
		{"together", store.Query{TaskID: numbered(1), Outcomes: []task.Outcome{task.Failed}, Since: start}, []uint64{2}},
		{"nothing", store.Query{TaskID: numbered(99)}, []uint64{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := s.History(t.Context(), tt.query)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, seqs(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if _, err := s.History(t.Context(), store.Query{Limit: -1}); !errors.Is(err, task.ErrInvalid) {
		t.Errorf("a negative limit: %v", err)
	}
}

func TestSeqMustFollow(t *testing.T) {
	for _, seq := range []uint64{0, 2, 4, 1 << 63} {
		s := openStore(t, t.TempDir(), store.Options{})
		appends(t, s, sampleEvent(1, 1), sampleEvent(2, 1))
		if err := s.Commit(t.Context(), []engine.Write{engine.Append{Event: sampleEvent(seq, 1)}}); err == nil {
			t.Errorf("event %d was stored after event 2", seq)
		}
	}
}

// TestPruneTask checks that a task with many events loses only its own events, and that
// its cursor reports the gap.
func TestPruneTask(t *testing.T) {
	s := openStore(t, t.TempDir(), store.Options{PerTask: 64})
	seq := uint64(1)
	appends(t, s, sampleEvent(seq, 1))
	for range 1000 {
		seq++
		appends(t, s, sampleEvent(seq, 2))
		if kept := count(t, s, 2); kept > 64 {
			t.Fatalf("%d events of one task", kept)
		}
	}
	if count(t, s, 1) != 1 || count(t, s, 2) < 60 {
		t.Errorf("kept %d and %d", count(t, s, 1), count(t, s, 2))
	}
	oldest, newest, err := s.Bounds(t.Context())
	if err != nil || newest != seq {
		t.Fatal(newest, err)
	}
	noGap(t, s, oldest, newest)
	for _, err := range s.Events(t.Context(), oldest-1, newest) {
		var expired *task.CursorError
		if !errors.As(err, &expired) || expired.Oldest != (task.Event{Seq: oldest}).Cursor() {
			t.Errorf("a cursor before the gap: %v, want the oldest, %d", err, oldest)
		}
	}
}

func count(t *testing.T, s *store.Store, of int) int {
	t.Helper()
	got, err := s.History(t.Context(), store.Query{TaskID: numbered(of), Limit: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	return len(got)
}

func noGap(t *testing.T, s *store.Store, oldest, newest uint64) {
	t.Helper()
	var want []uint64
	for seq := oldest + 1; seq <= newest; seq++ {
		want = append(want, seq)
	}
	if got := seqs(events(t, s, oldest, newest)); !slices.Equal(got, want) {
		t.Errorf("after %d up to %d: %d events, want %d", oldest, newest, len(got), len(want))
	}
}

func TestPruneTotal(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, store.Options{Total: 100})
	for seq := range uint64(350) {
		appends(t, s, sampleEvent(seq+1, int(seq)))
	}
	oldest, newest, err := s.Bounds(t.Context())
	if err != nil || oldest != 250 || newest != 350 {
		t.Fatal(oldest, newest, err)
	}
	noGap(t, s, oldest, newest)
	for _, err := range s.Events(t.Context(), newest+1, newest+2) {
		if !errors.Is(err, task.ErrCursorExpired) || !strings.Contains(err.Error(), "ahead of all that was stored") {
			t.Errorf("a cursor of another store: %v", err)
		}
	}

	// A smaller limit takes effect in steps.
	closeStore(t, s)
	s = openStore(t, dir, store.Options{Total: 10})
	appends(t, s, sampleEvent(351, 1))
	if oldest, _, _ := s.Bounds(t.Context()); oldest <= 250 || oldest > 250+70 {
		t.Errorf("one commit removed up to %d", oldest)
	}
	appends(t, s, sampleEvent(352, 1))
	if oldest, _, _ := s.Bounds(t.Context()); oldest != 342 {
		t.Errorf("the oldest cursor is %d, want 342", oldest)
	}
}

func TestPruneAge(t *testing.T) {
	s := openStore(t, t.TempDir(), store.Options{Age: 10 * time.Hour})
	for n := range uint64(30) {
		e := sampleEvent(n+1, 1)
		e.Time = start.Add(time.Duration(n) * time.Hour)
		appends(t, s, e)
	}
	oldest, newest, err := s.Bounds(t.Context())
	if err != nil || oldest != 19 || newest != 30 {
		t.Fatal(oldest, newest, err)
	}
	noGap(t, s, oldest, newest)
}

// TestReadersBesideTheWriter checks that a reader sees each commit completely, and
// never waits.
func TestReadersBesideTheWriter(t *testing.T) {
	s := openStore(t, t.TempDir(), store.Options{Total: 5000})
	ended := make(chan error, 2)
	stop := make(chan struct{})
	for range 2 {
		go func() { ended <- read(t, s, stop) }()
	}
	seq := uint64(0)
	for range 150 {
		var batch []task.Event
		for range 20 {
			seq++
			batch = append(batch, sampleEvent(seq, int(seq%50)))
		}
		appends(t, s, batch...)
		if seq == 1000 {
			if _, err := s.Backup(t.Context(), start); err != nil {
				t.Error(err)
			}
		}
	}
	close(stop)
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// read follows the events as a watcher does.
func read(t *testing.T, s *store.Store, stop chan struct{}) error {
	after := uint64(0)
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		_, newest, err := s.Bounds(t.Context())
		if err != nil {
			return err
		}
		if newest%20 != 0 {
			return errors.New("an incomplete commit was seen")
		}
		for e, err := range s.Events(t.Context(), after, newest) {
			if err != nil {
				return err
			}
			if e.Seq != after+1 {
				return errors.New("a gap was seen")
			}
			after = e.Seq
		}
	}
}

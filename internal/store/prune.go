//go:build linux

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"github.com/bgtask/bgtask/task"
)

// history is what the writer remembers about the history table.
type history struct {
	newest uint64
	floor  uint64 // the highest Seq that was removed
	count  int
	oldest int64 // time of the oldest event, in milliseconds of Unix time
	latest int64 // time of the last appended event
}

// Each number n of a task is one higher than its last one, and rows are only removed
// from the low end. So n alone determines which rows are beyond the limit.
const (
	appendSQL = `INSERT INTO history (seq, kind, at, task, n, package, result, data)
VALUES (?1, ?2, ?3, ?4, (SELECT coalesce(max(n), 0) + 1 FROM history WHERE task = ?4), ?5, ?6, ?7) RETURNING n`
	trimTaskSQL  = "DELETE FROM history WHERE task = ? AND n <= ? RETURNING seq"
	trimAgeSQL   = "DELETE FROM history WHERE seq IN (SELECT seq FROM history ORDER BY seq LIMIT ?) AND at < ? RETURNING seq"
	trimTotalSQL = "DELETE FROM history WHERE seq IN (SELECT seq FROM history ORDER BY seq LIMIT ?) RETURNING seq"
)

func (h *history) open(ctx context.Context, conn *sql.Conn) (err error) {
	if h.floor, h.newest, err = bounds(ctx, conn); err != nil {
		return err
	}
	return conn.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM history), coalesce((SELECT at FROM history ORDER BY seq LIMIT 1), 0)").Scan(&h.count, &h.oldest)
}

func (s *Store) append(ctx context.Context, e *task.Event) (err error) {
	h := &s.history
	if e.Seq != h.newest+1 || e.Seq > math.MaxInt64 {
		return fmt.Errorf("event %d cannot follow event %d", e.Seq, h.newest)
	}
	if s.buf, err = encode(s.buf[:0], e, event); err != nil {
		return fmt.Errorf("event %d: %w", e.Seq, err)
	}
	var of any
	if !e.TaskID.IsZero() {
		of = e.TaskID[:]
	}
	at := e.Time.UnixMilli()
	var n int
	if err := s.do.append.QueryRowContext(ctx, int64(e.Seq), int64(e.Kind), at, of, e.Package, result(e), s.buf).Scan(&n); err != nil {
		return err
	}
	if h.count == 0 {
		h.oldest = at
	}
	h.newest, h.latest, h.count = e.Seq, at, h.count+1
	return s.trimTask(ctx, of, n)
}

// result returns the value of the column by which History selects outcomes.
func result(e *task.Event) int64 {
	switch {
	case e.Kind == task.EventEnded && e.Run != nil:
		return int64(e.Run.Outcome)
	case e.Kind == task.EventOccurrence:
		return int64(e.End)
	case e.Kind == task.EventMissed && e.Missed != nil:
		return int64(e.Missed.Cause)
	}
	return 0
}

// trimTask removes several events of a task in one step, so that most appends do not
// need to remove any.
func (s *Store) trimTask(ctx context.Context, of any, n int) error {
	room := max(1, s.options.PerTask/32)
	keep := max(1, s.options.PerTask-room)
	if of == nil || n%room != 0 || n <= keep {
		return nil
	}
	return s.remove(ctx, s.do.trimTask, of, n-keep)
}

// trim removes excess and old events in small steps. Each step removes a few more
// events than were appended, so history shrinks and no commit takes long. Age is
// measured from the last event.
func (s *Store) trim(ctx context.Context, appended int) error {
	h, most := &s.history, 2*appended+64
	if excess := h.count - s.options.Total; excess > 0 {
		if err := s.remove(ctx, s.do.trimTotal, min(excess, most)); err != nil {
			return err
		}
	}
	if limit := h.latest - s.options.Age.Milliseconds(); h.oldest < limit {
		return s.remove(ctx, s.do.trimAge, most, limit)
	}
	return nil
}

// remove runs a statement that returns what it deleted, and raises the floor.
func (s *Store) remove(ctx context.Context, st *sql.Stmt, args ...any) error {
	rows, err := st.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	h, removed, floor := &s.history, 0, s.history.floor
	for rows.Next() {
		var seq uint64
		if err := rows.Scan(&seq); err != nil {
			return err
		}
		removed, floor = removed+1, max(floor, seq)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || removed == 0 {
		return err
	}
	h.count, h.floor = h.count-removed, floor
	if _, err := s.do.floor.ExecContext(ctx, int64(floor)); err != nil {
		return err
	}
	return s.do.oldest.QueryRowContext(ctx).Scan(&h.oldest)
}

//go:build linux

package store

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/bgtask/bgtask/task"
)

// DefaultLimit is the number of entries that History returns if the query has no limit.
const DefaultLimit = 1000

// Query selects events from history. Zero fields do not restrict. Times are compared
// with millisecond precision.
type Query struct {
	TaskID   task.GUID
	Package  string
	Kinds    []task.EventKind
	Outcomes []task.Outcome // only ended runs with these outcomes
	Since    time.Time      // inclusive
	Until    time.Time      // exclusive
	Before   uint64         // only events before this Seq, for the next page
	Limit    int            // maximum number of events; 0: DefaultLimit
}

// History returns the events that q selects, newest first.
func (s *Store) History(ctx context.Context, q Query) ([]task.Event, error) {
	if q.Limit < 0 {
		return nil, &task.Error{Op: "history", Err: task.ErrInvalid, Detail: fmt.Sprintf("the limit is negative: %d", q.Limit)}
	}
	query, args := q.sql()
	events, err := readEvents(ctx, s.readers, newNames(), query, args...)
	return events, s.explain("history", err)
}

func (q Query) sql() (string, []any) {
	w := where{terms: []string{"TRUE"}}
	if len(q.Kinds) != 0 {
		in(&w, "kind", q.Kinds)
	}
	if len(q.Outcomes) != 0 {
		w.and("kind = ?", task.EventEnded)
		in(&w, "result", q.Outcomes)
	}
	if !q.TaskID.IsZero() {
		w.and("task = ?", q.TaskID[:])
	}
	if q.Package != "" {
		w.and("package = ?", q.Package)
	}
	if !q.Since.IsZero() {
		w.and("at >= ?", q.Since.UnixMilli())
	}
	if !q.Until.IsZero() {
		w.and("at < ?", q.Until.UnixMilli())
	}
	if q.Before != 0 {
		w.and("seq < ?", int64(q.Before))
	}
	if q.Limit == 0 {
		q.Limit = DefaultLimit
	}
	return "SELECT seq, data FROM history WHERE " + strings.Join(w.terms, " AND ") + " ORDER BY seq DESC LIMIT ?", append(w.args, q.Limit)
}

type where struct {
	terms []string
	args  []any
}

func (w *where) and(term string, args ...any) {
	w.terms, w.args = append(w.terms, term), append(w.args, args...)
}

func in[T any](w *where, column string, values []T) {
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	w.and(column+" IN (?"+strings.Repeat(", ?", len(args)-1)+")", args...)
}

// eventPage limits how long a reader holds on to one version of the store.
const eventPage = 256

// Events returns all events with a Seq in (after, upTo], oldest first. If some of them
// are no longer kept, or after belongs to a different history, it returns a
// *task.CursorError.
func (s *Store) Events(ctx context.Context, after, upTo uint64) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) {
		shared := newNames()
		for {
			page, err := s.eventPage(ctx, shared, after, upTo)
			if err != nil {
				yield(task.Event{}, s.explain("watch", err))
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			if len(page) < eventPage {
				return
			}
			after = page[len(page)-1].Seq
		}
	}
}

// eventPage reads the bounds in the same transaction as the events. Otherwise events
// pruned between two pages could become an unnoticed gap.
func (s *Store) eventPage(ctx context.Context, shared *names, after, upTo uint64) ([]task.Event, error) {
	tx, err := s.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	oldest, newest, err := bounds(ctx, tx)
	if err != nil {
		return nil, err
	}
	cursor := &task.CursorError{Oldest: task.Event{Seq: oldest}.Cursor()}
	switch {
	case after > newest:
		return nil, &task.Error{Op: "watch", Subject: string(task.Event{Seq: after}.Cursor()), Err: cursor,
			Detail: fmt.Sprintf("the cursor is ahead of all that was stored, up to %d: it belongs to another state directory or to a copy", newest),
			Hint:   "start again without a cursor"}
	case after < oldest:
		return nil, cursor
	}
	return readEvents(ctx, tx, shared, "SELECT seq, data FROM history WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?", int64(after), int64(upTo), eventPage)
}

// Bounds returns the oldest cursor with no gap after it, and the newest cursor, which
// is that of the last event.
func (s *Store) Bounds(ctx context.Context) (oldest, newest uint64, err error) {
	oldest, newest, err = bounds(ctx, s.readers)
	return oldest, newest, s.explain("watch", err)
}

// queryer is a *sql.DB, *sql.Conn or *sql.Tx.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func bounds(ctx context.Context, db queryer) (oldest, newest uint64, err error) {
	err = db.QueryRowContext(ctx, "SELECT value, max(value, (SELECT coalesce(max(seq), 0) FROM history)) FROM meta WHERE name = 'floor'").Scan(&oldest, &newest)
	return oldest, newest, err
}

func readEvents(ctx context.Context, db queryer, shared *names, query string, args ...any) ([]task.Event, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var events []task.Event
	for rows.Next() {
		var seq uint64
		var data sql.RawBytes
		if err := rows.Scan(&seq, &data); err != nil {
			return nil, err
		}
		var e task.Event
		if err := decode(data, shared, &e, event); err != nil {
			return nil, fmt.Errorf("history, event %d: %w", seq, err)
		}
		if e.Seq != seq {
			return nil, fmt.Errorf("history, event %d: %w: its data is that of event %d", seq, errChecksum, e.Seq)
		}
		events = append(events, e)
	}
	return events, rows.Err()
}

//go:build linux

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/bgtask/bgtask/internal/engine"
)

// statements are prepared once, on the writer's connection.
type statements struct {
	all                                          []*sql.Stmt
	begin, commit, rollback                      *sql.Stmt
	put, delete                                  [tableCount]*sql.Stmt
	append, trimTask, trimAge, trimTotal, oldest *sql.Stmt
	floor                                        *sql.Stmt
}

func prepare(ctx context.Context, conn *sql.Conn) (*statements, error) {
	do := &statements{}
	var errs []error
	p := func(to **sql.Stmt, query string) {
		st, err := conn.PrepareContext(ctx, query)
		if err != nil {
			errs = append(errs, err)
			return
		}
		*to = st
		do.all = append(do.all, st)
	}
	p(&do.begin, "BEGIN IMMEDIATE")
	p(&do.commit, "COMMIT")
	p(&do.rollback, "ROLLBACK")
	for t, name := range tableNames {
		p(&do.put[t], "INSERT INTO "+name+" (key, data) VALUES (?, ?) ON CONFLICT DO UPDATE SET data = excluded.data")
		p(&do.delete[t], "DELETE FROM "+name+" WHERE key = ?")
	}
	p(&do.append, appendSQL)
	p(&do.trimTask, trimTaskSQL)
	p(&do.trimAge, trimAgeSQL)
	p(&do.trimTotal, trimTotalSQL)
	p(&do.oldest, "SELECT at FROM history ORDER BY seq LIMIT 1")
	p(&do.floor, "UPDATE meta SET value = ? WHERE name = 'floor'")
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(err, do.close())
	}
	return do, nil
}

func (do *statements) close() error {
	var errs []error
	for _, st := range do.all {
		errs = append(errs, st.Close())
	}
	return errors.Join(errs...)
}

// Commit stores the writes of any number of steps in one transaction, which is durable
// when Commit returns. After an error it is not certain that anything of it was stored,
// and every later Commit returns the same error.
//
// ctx is checked only before the transaction, so that a commit is never left
// incomplete.
func (s *Store) Commit(ctx context.Context, writes []engine.Write) error {
	if s.failed != nil {
		return s.failed
	}
	if err := ctx.Err(); err != nil || len(writes) == 0 {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	err := s.inPlace()
	if err == nil {
		err = s.transaction(ctx, writes)
	}
	if err == nil {
		err = s.acknowledge()
	}
	if err != nil {
		s.failed = s.explain("commit", err)
		s.condemn(s.failed)
	}
	return s.failed
}

func (s *Store) transaction(ctx context.Context, writes []engine.Write) error {
	if _, err := s.do.begin.ExecContext(ctx); err != nil {
		return err
	}
	err := s.write(ctx, writes)
	if err == nil {
		_, err = s.do.commit.ExecContext(ctx)
	}
	if err != nil {
		// SQLite has already rolled back after some errors, so this error says nothing
		// new.
		_, _ = s.do.rollback.ExecContext(ctx)
	}
	return err
}

func (s *Store) write(ctx context.Context, writes []engine.Write) error {
	superseded, err := overwritten(writes)
	if err != nil {
		return err
	}
	appended := 0
	for i, w := range writes {
		if superseded != nil && superseded[i] {
			continue
		}
		switch w := w.(type) {
		case engine.Put:
			err = s.put(ctx, w.Record)
		case engine.Delete:
			err = s.delete(ctx, w.Record)
		case engine.Append:
			err = s.append(ctx, &w.Event)
			appended++
		default:
			err = fmt.Errorf("%T cannot be stored", w)
		}
		if err != nil {
			return err
		}
	}
	if appended == 0 {
		return nil
	}
	return s.trim(ctx, appended)
}

// overwritten marks the writes to a row that a later write of the batch replaces. The
// result is nil if there are none.
func overwritten(writes []engine.Write) ([]bool, error) {
	if len(writes) == 1 {
		return nil, nil
	}
	var marks []bool
	last := make(map[row]int, len(writes))
	for i, w := range writes {
		var r engine.Record
		switch w := w.(type) {
		case engine.Put:
			r = w.Record
		case engine.Delete:
			r = w.Record
		default:
			continue
		}
		at, err := rowOf(r)
		if err != nil {
			return nil, err
		}
		if before, twice := last[at]; twice {
			if marks == nil {
				marks = make([]bool, len(writes))
			}
			marks[before] = true
		}
		last[at] = i
	}
	return marks, nil
}

func (s *Store) put(ctx context.Context, r engine.Record) error {
	at, err := rowOf(r)
	if err != nil {
		return err
	}
	if s.buf, err = encodeRecord(s.buf[:0], r); err != nil {
		return fmt.Errorf("%s: %w", tableNames[at.table], err)
	}
	_, err = s.do.put[at.table].ExecContext(ctx, []byte(at.key), s.buf)
	return err
}

func (s *Store) delete(ctx context.Context, r engine.Record) error {
	at, err := rowOf(r)
	if err != nil {
		return err
	}
	_, err = s.do.delete[at.table].ExecContext(ctx, []byte(at.key))
	return err
}

//go:build linux

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/bgtask/bgtask/internal/engine"
)

// Load reads the whole state. Each slice is sorted by its keys. The caller must fill in
// the zones.
func (s *Store) Load(ctx context.Context) (engine.State, error) {
	var st engine.State
	var clockRows []engine.Clock
	var failed [2]error
	var halves sync.WaitGroup // of about the same size, for two processors
	halves.Go(func() {
		n := newNames()
		failed[0] = first(
			loadTable(ctx, s.readers, n, registrations, &st.Registrations, registration),
			loadTable(ctx, s.readers, n, occurrences, &st.Occurrences, pending),
			loadTable(ctx, s.readers, n, packages, &st.Packages, pkg))
	})
	halves.Go(func() {
		n := newNames()
		failed[1] = first(
			loadTable(ctx, s.readers, n, ledgers, &st.Ledgers, ledger),
			loadTable(ctx, s.readers, n, answers, &st.Answers, remembered),
			loadTable(ctx, s.readers, n, runs, &st.Runs, live),
			loadTable(ctx, s.readers, n, launches, &st.Launches, launch),
			loadTable(ctx, s.readers, n, facts, &st.Facts, lastingFact),
			loadTable(ctx, s.readers, n, clocks, &clockRows, clock))
	})
	halves.Wait()
	if err := errors.Join(failed[:]...); err != nil {
		return engine.State{}, s.explain("load the store", err)
	}
	if len(clockRows) != 0 {
		st.Clock = clockRows[0]
	}
	st.Seq = s.history.newest
	return st, nil
}

// first runs the steps in order until one fails.
func first(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func loadTable[T any](ctx context.Context, db *sql.DB, n *names, t table, to *[]T, fields func(*codec, *T)) func() error {
	return func() error {
		var count int
		if err := db.QueryRowContext(ctx, "SELECT count(*) FROM "+tableNames[t]).Scan(&count); err != nil || count == 0 {
			return err
		}
		rows, err := db.QueryContext(ctx, "SELECT data FROM "+tableNames[t]+" ORDER BY key")
		if err != nil {
			return err
		}
		defer rows.Close()
		all := make([]T, 0, count)
		for rows.Next() {
			var data sql.RawBytes
			if err := rows.Scan(&data); err != nil {
				return err
			}
			all = all[:len(all)+1]
			if err := decode(data, n, &all[len(all)-1], fields); err != nil {
				return fmt.Errorf("%s, row %d: %w", tableNames[t], len(all), err)
			}
		}
		*to = all
		return rows.Err()
	}
}

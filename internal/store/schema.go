//go:build linux

package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"strconv"

	"github.com/bgtask/bgtask/task"
)

// applicationID is in the file's header: "bgt1".
const applicationID = 0x62677431

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrations returns the steps from one version of the schema to the next. The first one
// leads from an empty file to version 1. Released migrations never change.
func migrations() []string {
	var all []string
	for {
		b, err := migrationFiles.ReadFile("migrations/" + strconv.Itoa(len(all)+1) + ".sql")
		if err != nil {
			return all
		}
		all = append(all, string(b))
	}
}

// version returns the version of the schema.
func version(ctx context.Context, conn *sql.Conn) (int, error) {
	var v int
	err := conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&v)
	return v, err
}

// migrate upgrades the schema to the last version. Each step is one transaction.
func migrate(ctx context.Context, conn *sql.Conn, path string, steps []string) error {
	have, err := version(ctx, conn)
	if err != nil {
		return err
	}
	if have > len(steps) {
		return &task.Error{Op: "open the store", Subject: path, Err: ErrNewer,
			Detail: fmt.Sprintf("it has version %d, this bgtask knows versions up to %d", have, len(steps)),
			Hint:   "use the newer bgtask that wrote it"}
	}
	for ; have < len(steps); have++ {
		if err := step(ctx, conn, have+1, steps[have]); err != nil {
			return fmt.Errorf("bring the store from version %d to %d: %w", have, have+1, err)
		}
	}
	return nil
}

func step(ctx context.Context, conn *sql.Conn, to int, statements string) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, statements); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", to)); err != nil {
		return err
	}
	return tx.Commit()
}

// checkOurs refuses a database of another program.
func checkOurs(ctx context.Context, conn *sql.Conn, path string) error {
	var id int64
	if err := conn.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return err
	}
	if id != applicationID {
		return &task.Error{Op: "open the store", Subject: path, Err: ErrNotOurs,
			Detail: fmt.Sprintf("it is a database of another program (application id %#x)", id),
			Hint:   "give the broker its own directory with --state"}
	}
	return nil
}

// checkTrees runs SQLite's own check. If full is set, it compares indexes with their
// tables.
func checkTrees(ctx context.Context, conn *sql.Conn, full bool) error {
	pragma := "PRAGMA quick_check(1)"
	if full {
		pragma = "PRAGMA integrity_check(1)"
	}
	var verdict string
	if err := conn.QueryRowContext(ctx, pragma).Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, verdict)
	}
	return nil
}

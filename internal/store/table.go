//go:build linux

package store

import (
	"encoding/binary"
	"fmt"

	"github.com/bgtask/bgtask/internal/engine"
)

// table identifies one kind of record.
type table uint8

// The tables. The clocks table has one row.
const (
	clocks table = iota
	packages
	registrations
	ledgers
	occurrences
	runs
	launches
	answers
	facts
	tableCount
)

var tableNames = [tableCount]string{"clock", "packages", "registrations", "ledgers", "occurrences", "runs", "launches", "answers", "facts"}

// row identifies where a record is stored.
type row struct {
	table table
	key   string
}

// rowOf returns where a record is stored, from its key fields.
func rowOf(r engine.Record) (row, error) {
	switch r := r.(type) {
	case engine.Clock:
		return row{clocks, "clock"}, nil
	case engine.Package:
		return row{packages, r.Family}, nil
	case engine.Registration:
		return row{registrations, string(r.TaskID[:])}, nil
	case engine.Ledger:
		return row{ledgers, string(r.TaskID[:])}, nil
	case engine.Occurrence:
		return row{occurrences, string(binary.BigEndian.AppendUint64(r.TaskID[:], r.First))}, nil
	case engine.Run:
		return row{runs, string(r.ID[:])}, nil
	case engine.Launch:
		return row{launches, string(r.Token[:])}, nil
	case engine.Remembered:
		return row{answers, string(r.Request[:])}, nil
	case engine.LastingFact:
		return row{facts, r.Name}, nil
	}
	return row{}, fmt.Errorf("%T cannot be stored", r)
}

// encodeRecord appends the record's bytes to buf.
func encodeRecord(buf []byte, r engine.Record) ([]byte, error) {
	switch r := r.(type) {
	case engine.Clock:
		return encode(buf, &r, clock)
	case engine.Package:
		return encode(buf, &r, pkg)
	case engine.Registration:
		return encode(buf, &r, registration)
	case engine.Ledger:
		return encode(buf, &r, ledger)
	case engine.Occurrence:
		return encode(buf, &r, pending)
	case engine.Run:
		return encode(buf, &r, live)
	case engine.Launch:
		return encode(buf, &r, launch)
	case engine.Remembered:
		return encode(buf, &r, remembered)
	case engine.LastingFact:
		return encode(buf, &r, lastingFact)
	}
	return buf, fmt.Errorf("%T cannot be stored", r)
}

package task

import (
	"fmt"
	"slices"
)

// An enumeration is a set of numbered, named values. Its rows are the only place
// that lists them: lookups, loops, texts, the command line, the documentation and the
// checks of the protocol read the rows. Numbers may have gaps, and nothing is sized by
// the last of them.
type enumeration[N ~uint8 | ~uint32, R any] struct {
	typ  string // name of the type, such as "Outcome", to show a number without a row
	kind string // in messages, such as "outcome"
	rows []R
	key  func(*R) (N, string) // returns number and name
	at   []*R                 // by number; nil in a gap
}

func enumerate[N ~uint8 | ~uint32, R any](typ, kind string, rows []R, key func(*R) (N, string)) *enumeration[N, R] {
	e := &enumeration[N, R]{typ: typ, kind: kind, rows: rows, key: key}
	for i := range rows {
		n, _ := key(&rows[i])
		e.at = append(e.at, make([]*R, max(0, int(n)+1-len(e.at)))...)
		e.at[n] = &rows[i]
	}
	return e
}

// row returns the row of a number, or nil.
func (e *enumeration[N, R]) row(n N) *R {
	if uint64(n) < uint64(len(e.at)) {
		return e.at[n]
	}
	return nil
}

// lookup returns a copy of the row of a number, for the exported Row methods.
func (e *enumeration[N, R]) lookup(n N) (row R, ok bool) {
	if found := e.row(n); found != nil {
		return *found, true
	}
	return row, false
}

// name returns the name that people read: "failed", or "Outcome(99)" without a row.
func (e *enumeration[N, R]) name(n N) string {
	if row := e.row(n); row != nil {
		_, name := e.key(row)
		return name
	}
	return fmt.Sprintf("%s(%d)", e.typ, n)
}

// parse returns the number with a name.
func (e *enumeration[N, R]) parse(s string) (N, error) {
	for i := range e.rows {
		if n, name := e.key(&e.rows[i]); name == s {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%w: there is no %s %q", ErrInvalid, e.kind, clip(s, 64))
}

// numbers returns all numbers, in the order of the rows.
func (e *enumeration[N, R]) numbers() []N {
	all := make([]N, len(e.rows))
	for i := range e.rows {
		all[i], _ = e.key(&e.rows[i])
	}
	return slices.Clip(all)
}

// Named is a row that has a name and nothing else.
type Named[N ~uint8 | ~uint32] struct {
	Number N
	Name   string // as shown to users
}

func enumerateNames[N ~uint8 | ~uint32](typ, kind string, rows []Named[N]) *enumeration[N, Named[N]] {
	return enumerate(typ, kind, rows, func(r *Named[N]) (N, string) { return r.Number, r.Name })
}

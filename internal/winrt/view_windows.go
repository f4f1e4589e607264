package winrt

import (
	"github.com/bgtask/bgtask/internal/com"
)

// each calls f with each pair of a map until f returns false or fails. A nil map
// is empty.
func (v View) each(m *com.Unknown, f func(pair *com.Unknown) (more bool, err error)) error {
	if m == nil {
		return nil
	}
	return with(m, v.Iterable, func(all *com.Unknown) error {
		at, err := get[*com.Unknown](v.Iterable, all, "First")
		if err != nil {
			return err
		}
		defer at.Release()
		return v.walk(at, f)
	})
}

func (v View) walk(at *com.Unknown, f func(*com.Unknown) (bool, error)) error {
	has, err := get[uint8](v.Iterator, at, "get_HasCurrent")
	for err == nil && has != 0 {
		var pair *com.Unknown
		if pair, err = get[*com.Unknown](v.Iterator, at, "get_Current"); err != nil {
			return err
		}
		more, failed := f(pair)
		pair.Release()
		if failed != nil || !more {
			return failed
		}
		has, err = get[uint8](v.Iterator, at, "MoveNext")
	}
	return err
}

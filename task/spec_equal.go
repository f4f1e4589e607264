package task

import (
	"reflect"
	"slices"
	"strings"
)

// Equal reports whether two registrations ask for the same thing. It compares
// their fields in a canonical form, in which a default is written out, the order of
// a set does not matter, and an empty list is no list.
func (s Spec) Equal(t Spec) bool {
	s, t = s.canonical(), t.canonical()
	return sameFields(reflect.ValueOf(&s).Elem(), reflect.ValueOf(&t).Elem())
}

// canonical fills in the defaults and sorts what is a set. It shares nothing that
// it changes with s.
func (s Spec) canonical() Spec {
	s.Retry = s.Retry.WithDefaults()
	s.Conditions = slices.Clone(s.Conditions)
	slices.SortFunc(s.Conditions, func(a, b Condition) int { return strings.Compare(a.Word(), b.Word()) })
	if t, ok := s.Trigger.(StorageLibraryContentChangedTrigger); ok {
		t.Paths = slices.Clone(t.Paths)
		slices.Sort(t.Paths)
		if t.Settle == 0 {
			t.Settle = ContentSettle
		}
		s.Trigger = t
	}
	return s
}

// sameFields is reflect.DeepEqual, except that empty lists and maps are equal to
// nil ones.
func sameFields(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Interface, reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		return a.Elem().Type() == b.Elem().Type() && sameFields(a.Elem(), b.Elem())
	case reflect.Struct:
		for i := range a.NumField() {
			if !sameFields(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !sameFields(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		return a.Len() == 0 && b.Len() == 0 || reflect.DeepEqual(a.Interface(), b.Interface())
	}
	return a.Equal(b)
}

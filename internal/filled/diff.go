package filled

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Diff lists the fields in which two values differ, one a line with its path; "" when
// there are none. An empty slice or map is a nil one. Two times are the same when they
// are the same instant with the same offset.
func Diff(want, got any) string {
	d := &differences{}
	d.compare(fmt.Sprintf("%T", want), reflect.ValueOf(&want).Elem(), reflect.ValueOf(&got).Elem())
	return strings.Join(d.lines, "\n")
}

type differences struct{ lines []string }

func (d *differences) add(path string, want, got reflect.Value) {
	d.lines = append(d.lines, fmt.Sprintf("%s is %s, not %s", path, show(got), show(want)))
}

func show(v reflect.Value) string {
	if !v.IsValid() {
		return "nothing"
	}
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	return fmt.Sprintf("%#v", v)
}

func (d *differences) compare(path string, want, got reflect.Value) {
	if t, ok := timeOf(want); ok {
		if u, ok := timeOf(got); !ok || !sameTime(t, u) {
			d.add(path, want, got)
		}
		return
	}
	switch want.Kind() {
	case reflect.Interface, reflect.Pointer:
		d.held(path, want, got)
	case reflect.Struct:
		for i := range want.NumField() {
			d.compare(path+"."+want.Type().Field(i).Name, want.Field(i), got.Field(i))
		}
	case reflect.Slice, reflect.Array:
		if want.Len() != got.Len() {
			d.add(path, want, got)
			return
		}
		for i := range want.Len() {
			d.compare(fmt.Sprintf("%s[%d]", path, i), want.Index(i), got.Index(i))
		}
	case reflect.Map:
		d.maps(path, want, got)
	default:
		if !want.Equal(got) {
			d.add(path, want, got)
		}
	}
}

// held compares what pointers point to and interfaces hold.
func (d *differences) held(path string, want, got reflect.Value) {
	if want.Kind() == reflect.Pointer && want.Pointer() == got.Pointer() {
		return
	}
	if want.IsNil() != got.IsNil() || !want.IsNil() && want.Elem().Type() != got.Elem().Type() {
		d.add(path, want, got)
		return
	}
	if !want.IsNil() && want.Elem().IsValid() {
		d.compare(path, want.Elem(), got.Elem())
	}
}

func (d *differences) maps(path string, want, got reflect.Value) {
	for it := want.MapRange(); it.Next(); {
		item := fmt.Sprintf("%s[%v]", path, it.Key())
		if other := got.MapIndex(it.Key()); other.IsValid() {
			d.compare(item, it.Value(), other)
		} else {
			d.add(item, it.Value(), other)
		}
	}
	if got.Len() > want.Len() {
		d.add(path, want, got)
	}
}

func timeOf(v reflect.Value) (time.Time, bool) {
	if !v.CanInterface() {
		return time.Time{}, false
	}
	t, ok := v.Interface().(time.Time)
	return t, ok && v.Kind() == reflect.Struct
}

func sameTime(t, u time.Time) bool {
	_, a := t.Zone()
	_, b := u.Zone()
	return t.Equal(u) && a == b && t.IsZero() == u.IsZero() && reflect.DeepEqual(u.Round(0), u)
}

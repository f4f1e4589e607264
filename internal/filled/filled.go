// Package filled makes values for tests that convert: each field of a value is set,
// recursively and each to something else, so that a field that a conversion forgets
// or mixes up comes back different. Diff compares by fields. It never asks a type's
// own Equal, which may ignore the very field that was forgotten.
package filled

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bgtask/bgtask/task"
)

// Filler makes values. Zero fields are the defaults.
type Filler struct {
	Variants map[reflect.Type][]any                  // members of further sealed sets, beside those of package task
	Made     map[reflect.Type]func(r *rand.Rand) any // values of types whose fields depend on each other
	Zone     *time.Location                          // of times; nil is UTC
	Full     bool                                    // leave no field zero in any value
}

// rounds is how many values Each makes with all fields set, and how many with
// some of them zero. Every sealed set has fewer members.
const rounds = 32

// Each calls check with values of type T, the first half of them with no field left
// zero. The members of a sealed set take turns.
func Each[T any](t *testing.T, f Filler, check func(t *testing.T, want T)) {
	t.Helper()
	for seed := range 2 * rounds {
		w := &work{Filler: f, Rand: rand.New(rand.NewPCG(uint64(seed), 1)), turn: seed, full: f.Full || seed < rounds}
		var want T
		w.value(reflect.ValueOf(&want).Elem())
		check(t, want)
		if t.Failed() {
			t.Logf("%T number %d", want, seed)
			return
		}
	}
}

// EachForgotten calls check with full values of type T and, for every number, text
// and truth in one, the same value with that one left zero, as if it had been
// forgotten.
func EachForgotten[T any](t *testing.T, f Filler, check func(t *testing.T, whole, without T)) {
	t.Helper()
	for seed := range rounds {
		whole, leaves := f.make(seed, 0, reflect.TypeFor[T]())
		for forget := range leaves {
			without, _ := f.make(seed, forget+1, reflect.TypeFor[T]())
			check(t, whole.Interface().(T), without.Interface().(T))
		}
	}
}

// make makes the value of a seed without the given leaf, counted from 1, and returns
// how many leaves it has.
func (f Filler) make(seed, forget int, t reflect.Type) (value reflect.Value, leaves int) {
	w := &work{Filler: f, Rand: rand.New(rand.NewPCG(uint64(seed), 1)), turn: seed, full: true, forget: forget}
	value = reflect.New(t).Elem()
	w.value(value)
	return value, w.leaves
}

// Members lists a zero value of each member of a sealed set of package task.
func Members[T any]() (all []T) {
	for _, m := range sealed[reflect.TypeFor[T]()] {
		all = append(all, m.(T))
	}
	return all
}

// RoundTrip puts values through a conversion there and back, and compares them by
// their fields.
func RoundTrip[T any](t *testing.T, f Filler, convert func(T) (T, error)) {
	t.Helper()
	Each(t, f, func(t *testing.T, want T) {
		t.Helper()
		got, err := convert(want)
		if err != nil {
			t.Fatalf("%v\nof %+v", err, want)
		}
		if diff := Diff(want, got); diff != "" {
			t.Fatalf("%T came back different:\n%s", want, diff)
		}
	})
}

// work makes one value.
type work struct {
	Filler
	*rand.Rand
	turn int
	full bool

	leaves, forget int
}

// field fills a field of a struct, which may be left zero.
func (w *work) field(v reflect.Value) {
	if !w.full && w.IntN(4) == 0 && v.Type() != reflect.TypeFor[task.Condition]() { // a need has one
		return
	}
	w.value(v)
}

func (w *work) value(v reflect.Value) {
	t := v.Type()
	if made := w.Made[t]; made != nil {
		v.Set(reflect.ValueOf(made(w.Rand)))
		return
	}
	if t == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(w.instant()))
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		w.value(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(t, 1+w.IntN(3), 3))
		w.items(v)
	case reflect.Array:
		w.items(v)
	case reflect.Map:
		v.Set(reflect.MakeMap(t))
		for range 2 {
			key, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
			w.value(key)
			w.value(value)
			v.SetMapIndex(key, value)
		}
	case reflect.Struct:
		for i := range t.NumField() {
			if t.Field(i).IsExported() {
				w.field(v.Field(i))
			}
		}
	case reflect.Interface:
		w.member(v)
	default:
		w.scalar(v)
	}
}

func (w *work) items(v reflect.Value) {
	for i := range v.Len() {
		w.value(v.Index(i))
	}
}

// member fills the next member of a sealed set.
func (w *work) member(v reflect.Value) {
	all := w.Variants[v.Type()]
	if all == nil {
		all = sealed[v.Type()]
	}
	if len(all) == 0 || len(all) > rounds {
		panic(fmt.Sprintf("filled: list the members of %v", v.Type()))
	}
	member := reflect.New(reflect.TypeOf(all[w.turn%len(all)])).Elem()
	w.value(member)
	if c, ok := member.Interface().(task.Condition); ok && w.IntN(2) == 0 {
		member = reflect.ValueOf(task.OrUnknown(c))
	}
	v.Set(member)
}

func (w *work) scalar(v reflect.Value) {
	if w.leaves++; w.leaves == w.forget {
		defer v.SetZero() // all others are as they would be
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString("t" + strconv.FormatUint(uint64(w.Uint32()), 36) + "\u00e9\x00\u2028\"")
	case reflect.Int, reflect.Int32:
		v.SetInt(1 + w.Int64N(1<<31-1))
	case reflect.Int64:
		v.SetInt(1 + w.Int64N(1<<62))
	case reflect.Uint8, reflect.Uint32:
		w.enumerator(v)
	case reflect.Uint64:
		v.SetUint(1 + w.Uint64N(1<<63))
	default:
		panic(fmt.Sprintf("filled: no values for %v", v.Type()))
	}
}

// enumerator gives a value of an enumeration that has a name, and any number to what
// is no enumeration.
func (w *work) enumerator(v reflect.Value) {
	if _, named := v.Interface().(fmt.Stringer); !named {
		v.SetUint(1 + w.Uint64N(1<<v.Type().Bits()-1))
		return
	}
	if all := Named(v.Type()); len(all) > 0 {
		v.Set(all[w.IntN(len(all))])
	}
}

// Named lists the values of an enumeration that have a name, zero left out.
func Named(t reflect.Type) (all []reflect.Value) {
	for n := range 255 {
		v := reflect.New(t).Elem()
		v.SetUint(uint64(n + 1))
		if name := v.Interface().(fmt.Stringer).String(); name != "" && !strings.HasSuffix(name, ")") {
			all = append(all, v)
		}
	}
	return all
}

func (w *work) instant() time.Time {
	t := time.Unix(1+w.Int64N(1<<32), w.Int64N(1e9)).UTC()
	if w.Zone != nil {
		t = t.In(w.Zone)
	}
	return t
}

// sealed are the members of the sealed sets of package task.
var sealed = map[reflect.Type][]any{
	reflect.TypeFor[task.Trigger](): {
		task.TimeTrigger{}, task.MaintenanceTrigger{}, task.CalendarTrigger{}, task.SystemTrigger{}, task.ApplicationTrigger{},
		task.CustomSystemEventTrigger{}, task.StorageLibraryContentChangedTrigger{}, task.SocketActivityTrigger{}, task.DeviceWatcherTrigger{},
		task.ToastNotificationActionTrigger{}, task.PushNotificationTrigger{},
	},
	reflect.TypeFor[task.Details](): {
		task.TimeTriggerDetails{}, task.SystemTriggerDetails{}, task.ApplicationTriggerDetails{}, task.CustomSystemEventTriggerDetails{},
		task.StorageLibraryContentChangedTriggerDetails{}, task.SocketActivityTriggerDetails{}, task.DeviceWatcherTriggerDetails{},
		task.ToastNotificationActionTriggerDetails{}, task.PushNotificationTriggerDetails{}, task.ManualDetails{},
	},
	reflect.TypeFor[task.Condition](): {task.SystemCondition(0)},
}

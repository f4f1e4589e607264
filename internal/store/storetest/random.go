//go:build linux

package storetest

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/filled"
	"github.com/bgtask/bgtask/task"
)

// Records has one record of each kind.
var Records = []engine.Record{
	engine.Clock{}, engine.Package{}, engine.Registration{}, engine.Ledger{}, engine.Occurrence{}, engine.Run{}, engine.Launch{},
	engine.Remembered{}, engine.LastingFact{},
}

// Triggers and Details have one of each kind.
var (
	Triggers = filled.Members[task.Trigger]()
	Details  = filled.Members[task.Details]()
)

// Conditions has some of each kind.
var Conditions = []task.Condition{task.InternetAvailable, task.EnergySaverOff, task.OrUnknown(task.DeviceIdle)}

// Record returns a record of the same kind as like, with random values.
func Record(r *rand.Rand, like engine.Record) engine.Record {
	v := reflect.New(reflect.TypeOf(like)).Elem()
	fill(r, v)
	return v.Interface().(engine.Record)
}

// Event returns an event with random values. Only Command is left out of its spec,
// because history leaves it out.
func Event(r *rand.Rand, seq uint64) task.Event {
	var e task.Event
	fill(r, reflect.ValueOf(&e).Elem())
	e.Seq = seq
	if e.Info != nil {
		e.Info.Spec.Command = nil
	}
	return e
}

// fill sets v to random values. Every fifth value is zero, and most others are large,
// so that a field that is too small is noticed.
func fill(r *rand.Rand, v reflect.Value) {
	if r.IntN(5) == 0 && v.Kind() != reflect.Struct {
		return
	}
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(instant(r)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(r, v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(r, v.Elem())
	case reflect.Interface:
		fillInterface(r, v)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+r.IntN(4), 4))
		fillAll(r, v)
	case reflect.Array:
		fillAll(r, v)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 1 + r.IntN(3) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(r, key)
			fill(r, value)
			v.SetMapIndex(key, value)
		}
	default:
		fillScalar(r, v)
	}
}

func fillAll(r *rand.Rand, v reflect.Value) {
	for i := range v.Len() {
		for each := v.Index(i); ; {
			if fill(r, each); each.Kind() != reflect.Interface || !each.IsNil() {
				break // a list contains no nil
			}
		}
	}
}

func fillInterface(r *rand.Rand, v reflect.Value) {
	var one any
	switch v.Type() {
	case reflect.TypeFor[task.Trigger]():
		one = Triggers[r.IntN(len(Triggers))]
	case reflect.TypeFor[task.Details]():
		one = Details[r.IntN(len(Details))]
	case reflect.TypeFor[task.Condition]():
		v.Set(reflect.ValueOf(Conditions[r.IntN(len(Conditions))]))
		return
	default:
		panic(fmt.Sprintf("storetest: no values for %v", v.Type()))
	}
	held := reflect.New(reflect.TypeOf(one)).Elem()
	fill(r, held)
	v.Set(held)
}

func fillScalar(r *rand.Rand, v reflect.Value) {
	bits := r.Uint64() >> r.IntN(64)
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString(words(r))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(bits) * int64(1-2*r.IntN(2)))
	case reflect.Int32:
		v.SetInt(int64(int32(bits)))
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		v.SetUint(bits >> (64 - v.Type().Bits()))
	default:
		panic(fmt.Sprintf("storetest: no values for %v", v.Type()))
	}
}

// words returns text that is not always valid UTF-8, because the last lines of stderr
// may not be, either.
func words(r *rand.Rand) string {
	some := []string{"a", "b/c", "naïve", "\x00", "\xff\xfe", "'; DROP TABLE runs; --", "工作", " "}
	s := ""
	for range 1 + r.IntN(3) {
		s += some[r.IntN(len(some))]
	}
	return s
}

func instant(r *rand.Rand) time.Time {
	zones := []int{0, 3600, -18000, 20700, -12345, 50400}
	t := time.Unix(r.Int64N(1<<33)-1<<32, r.Int64N(int64(time.Second)))
	return t.In(time.FixedZone("anywhere", zones[r.IntN(len(zones))]))
}

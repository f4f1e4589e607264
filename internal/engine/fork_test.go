package engine

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/calendar"
	"github.com/bgtask/bgtask/task"
)

// neverWritten lists the types of the values that an engine and its fork may share,
// because nothing writes to them.
var neverWritten = map[reflect.Type]bool{
	reflect.TypeFor[*coldSpec]():          true,
	reflect.TypeFor[*time.Location]():     true,
	reflect.TypeFor[*calendar.Schedule](): true,
	reflect.TypeFor[*task.Run]():          true,
	reflect.TypeFor[*task.Value]():        true,
	reflect.TypeFor[*task.Command]():      true,
	reflect.TypeFor[*Checkpoint]():        true,
	reflect.TypeFor[*firing]():            true,
	reflect.TypeFor[[]task.Condition]():   true,
	reflect.TypeFor[[]task.ClassServer](): true,
	reflect.TypeFor[[]task.GUID]():        true, // declared classes; those that a host served are cloned
	reflect.TypeFor[[]string]():           true,
	reflect.TypeFor[[]task.SourceState](): true,
	reflect.TypeFor[[]byte]():             true,
}

// places maps the address of everything that can be reached from a value and written to
// the path that leads to it.
type places map[uintptr]string

func (p places) walk(v reflect.Value, way string) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || neverWritten[v.Type()] || v.Pointer() == reflect.ValueOf(noCold).Pointer() || p[v.Pointer()] != "" {
			return
		}
		if v.Elem().Type().Size() > 0 {
			p[v.Pointer()] = way + " " + v.Type().String()
		}
		p.walk(v.Elem(), way)
	case reflect.Interface:
		if !v.IsNil() && v.Elem().Kind() != reflect.Struct { // events, triggers and details are values
			p.walk(v.Elem(), way)
		}
	case reflect.Map:
		if v.IsNil() || p[v.Pointer()] != "" {
			return
		}
		p[v.Pointer()] = way + " " + v.Type().String()
		for it := v.MapRange(); it.Next(); {
			p.walk(it.Key(), way+" key")
			p.walk(it.Value(), fmt.Sprintf("%s[%v]", way, it.Key()))
		}
	case reflect.Slice:
		if v.Len() == 0 || neverWritten[v.Type()] {
			return
		}
		p[v.Pointer()] += way + " " + v.Type().String()
		for i := range v.Len() {
			p.walk(v.Index(i), fmt.Sprintf("%s[%d]", way, i))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			p.walk(v.Field(i), way+"."+v.Type().Field(i).Name)
		}
	}
}

// shared returns the paths through which an engine and its fork could write to each
// other's state.
func shared(a, b *Engine) []string {
	of := places{}
	of.walk(reflect.ValueOf(a), "engine")
	its := places{}
	its.walk(reflect.ValueOf(b), "fork")
	var all []string
	for at, way := range its {
		if other := of[at]; other != "" {
			all = append(all, way+" is "+other)
		}
	}
	return all
}

// checkFork compares the engine with a fork, in every state that a transcript passes
// through.
func (w *world) checkFork() {
	if w.e == nil || len(w.e.regs) > 8 {
		return
	}
	fork, err := w.e.Fork()
	if err != nil {
		w.printf("BROKEN  no fork: %v", err)
		return
	}
	for _, both := range shared(w.e, fork) {
		w.printf("BROKEN  a fork shares something: %s", both)
	}
	if !reflect.DeepEqual(w.e.Tasks(w.now, Filter{All: true}), fork.Tasks(w.now, Filter{All: true})) {
		w.printf("BROKEN  a fork's tasks differ")
	}
}

// TestForkGoesItsOwnWay checks that the engine does not see what happens to its fork.
func TestForkGoesItsOwnWay(t *testing.T) {
	w := newWorld(t)
	for _, line := range []string{"package app class=A server=/opt/app", "facts internet=no", "register Sync time=15m when=InternetAvailable", "advance 20m"} {
		w.run(line)
	}
	before, after := fmt.Sprint(w.e.Tasks(w.now, Filter{All: true})), ""
	fork, err := w.e.Fork()
	if err != nil {
		t.Fatal(err)
	}
	fork.Step(w.now, FactsReported{Source: "net", Facts: []task.Fact{{Name: task.FactInternet, Value: task.Yes}}})
	if after = fmt.Sprint(w.e.Tasks(w.now, Filter{All: true})); after != before {
		t.Errorf("the fork changed the engine from\n%s to\n%s", before, after)
	}
	if forked := fmt.Sprint(fork.Tasks(w.now, Filter{All: true})); forked == before {
		t.Error("the fork did not change")
	}
}

// BenchmarkFork measures how long a fork of 100,000 tasks stops the broker's loop.
func BenchmarkFork(b *testing.B) {
	e := manyTasks()
	for b.Loop() {
		if _, err := e.Fork(); err != nil {
			b.Fatal(err)
		}
	}
}

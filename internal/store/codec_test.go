//go:build linux

package store

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/filled"
	"github.com/bgtask/bgtask/internal/store/storetest"
	"github.com/bgtask/bgtask/task"
)

// values fills times with an offset, which the store keeps.
var values = filled.Filler{Zone: time.FixedZone("", 3600)}

// roundTrip checks that the codec has every field of a record.
func roundTrip[T any](t *testing.T, fields func(*codec, *T)) {
	t.Helper()
	filled.RoundTrip(t, values, func(v T) (got T, err error) {
		data, err := encode(nil, &v, fields)
		if err == nil {
			err = decode(data, newNames(), &got, fields)
		}
		return got, err
	})
}

func TestRoundTrips(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"clock":        func(t *testing.T) { roundTrip(t, clock) },
		"package":      func(t *testing.T) { roundTrip(t, pkg) },
		"registration": func(t *testing.T) { roundTrip(t, registration) },
		"ledger":       func(t *testing.T) { roundTrip(t, ledger) },
		"occurrence":   func(t *testing.T) { roundTrip(t, pending) },
		"run":          func(t *testing.T) { roundTrip(t, live) },
		"launch":       func(t *testing.T) { roundTrip(t, launch) },
		"answer":       func(t *testing.T) { roundTrip(t, remembered) },
		"fact":         func(t *testing.T) { roundTrip(t, lastingFact) },
	} {
		t.Run(name, test)
	}
}

// TestEventRoundTrip checks that history has every field but the command.
func TestEventRoundTrip(t *testing.T) {
	filled.Each(t, values, func(t *testing.T, want task.Event) {
		data, err := encode(nil, &want, event)
		if err != nil {
			t.Fatal(err)
		}
		var got task.Event
		if err := decode(data, newNames(), &got, event); err != nil {
			t.Fatal(err)
		}
		if want.Info != nil {
			want.Info.Spec.Command = nil
		}
		if diff := filled.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestHistoryHasNoCommand checks that no part of a command appears in history.
func TestHistoryHasNoCommand(t *testing.T) {
	e := task.Event{Info: &task.Info{Spec: task.Spec{Name: "backup", Command: &task.Command{Path: "/bin/secret", Env: []string{"TOKEN=secret"}}}}}
	data, err := encode(nil, &e, event)
	if err != nil {
		t.Fatal(err)
	}
	var got task.Event
	if err := decode(data, newNames(), &got, event); err != nil {
		t.Fatal(err)
	}
	if got.Info.Spec.Name != "backup" || got.Info.Spec.Command != nil {
		t.Errorf("the spec in history is %+v", got.Info.Spec)
	}
	if e.Info.Spec.Command == nil {
		t.Error("encode changed the event")
	}
}

// TestWireForm checks the format with protobuf's own reader.
func TestWireForm(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, like := range storetest.Records {
		for range 50 {
			data, err := encodeRecord(nil, storetest.Record(r, like))
			if err != nil {
				t.Fatal(err)
			}
			body, last := data[:len(data)-4], protowire.Number(0)
			for len(body) > 0 {
				n, _, size := protowire.ConsumeField(body)
				if size < 0 || n < last {
					t.Fatalf("%T: field %d after %d: %v", like, n, last, protowire.ParseError(size))
				}
				body, last = body[size:], n
			}
		}
	}
}

// TestUnknownFields checks that a field which a type no longer has is skipped.
func TestUnknownFields(t *testing.T) {
	type before struct {
		ID   task.GUID
		Gone string
		List []task.Run
		Name string
	}
	old := before{ID: task.GUID{1}, Gone: "gone", List: []task.Run{{Attempt: 1}}, Name: "name"}
	data, err := encode(nil, &old, func(c *codec, v *before) {
		id(c, 1, &v.ID)
		text(c, 2, &v.Gone)
		list(c, 3, &v.List, run)
		text(c, 4, &v.Name)
		signed(c, 5, &v.List[0].Attempt)
	})
	if err != nil {
		t.Fatal(err)
	}
	var got before
	err = decode(data, newNames(), &got, func(c *codec, v *before) {
		id(c, 1, &v.ID)
		text(c, 4, &v.Name)
	})
	if want := (before{ID: old.ID, Name: old.Name}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestTimes(t *testing.T) {
	for _, want := range []time.Time{
		{},
		time.Now(),
		time.Date(2026, 10, 25, 2, 30, 0, 1, time.FixedZone("CEST", 7200)),
		time.Date(1900, 1, 1, 0, 0, 0, 0, time.FixedZone("LMT", -1172)),
		time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
	} {
		data, err := encode(nil, &want, func(c *codec, v *time.Time) { c.time(1, v) })
		if err != nil {
			t.Fatal(err)
		}
		var got time.Time
		if err := decode(data, newNames(), &got, func(c *codec, v *time.Time) { c.time(1, v) }); err != nil {
			t.Fatal(err)
		}
		_, offset := got.Zone()
		if _, o := want.Zone(); !got.Equal(want) || o != offset || got.Round(0) != got || got.IsZero() != want.IsZero() {
			t.Errorf("%v came back as %v", want, got)
		}
	}
}

type strangeTrigger struct{ task.Trigger }

func TestUnknownVariantIsRefused(t *testing.T) {
	r := engine.Registration{Spec: task.Spec{Trigger: strangeTrigger{task.ApplicationTrigger{}}}}
	if _, err := encodeRecord(nil, r); err == nil {
		t.Error("a trigger of no known kind was stored without a word")
	}
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	want := storetest.Event(rand.New(rand.NewPCG(7, 7)), 7)
	data, err := encode(nil, &want, event)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range len(data) * 8 {
		data[bit/8] ^= 1 << (bit % 8)
		var got task.Event
		if err := decode(data, newNames(), &got, event); !errors.Is(err, errChecksum) {
			t.Fatalf("bit %d: %v", bit, err)
		}
		data[bit/8] ^= 1 << (bit % 8)
	}
}

// FuzzDecode decodes arbitrary bytes with a correct checksum. The decoder must not panic,
// and encoding what it accepts must give the same value again.
func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(9, 9))
	for range 20 {
		e := storetest.Event(r, 1)
		data, err := encode(nil, &e, event)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data[:len(data)-4])
		reg := storetest.Record(r, engine.Occurrence{})
		data, err = encodeRecord(nil, reg)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data[:len(data)-4])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		again(t, body, event)
		again(t, body, pending)
		again(t, body, registration)
		again(t, body, launch)
	})
}

func again[T any](t *testing.T, body []byte, fields func(*codec, *T)) {
	t.Helper()
	var v, w T
	c := codec{reading: true, buf: body, names: newNames()}
	c.advance()
	fields(&c, &v)
	if c.skipRest(); c.err != nil {
		return
	}
	data, err := encode(nil, &v, fields)
	if err != nil {
		t.Fatalf("%T was read and cannot be written: %v", v, err)
	}
	if err := decode(data, newNames(), &w, fields); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v, w, storetest.Same); diff != "" {
		t.Fatalf("(-read +again):\n%s", diff)
	}
}

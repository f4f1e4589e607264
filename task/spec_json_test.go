package task

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// texts has what JSON has to escape.
var texts = rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "a\"b\\c", "\x00\x1f\x7f", "\u2028<&>", "🙂\ufffd", "täglich"}))

var durations = rapid.Custom(func(t *rapid.T) time.Duration {
	return time.Duration(rapid.Int64Range(-math.MaxInt64, math.MaxInt64).Draw(t, "ns"))
})

// lists are nil when they are empty, as decoding makes them.
func lists[T any](of *rapid.Generator[T]) *rapid.Generator[[]T] {
	return rapid.Map(rapid.SliceOfN(of, 0, 5), func(all []T) []T {
		if len(all) == 0 {
			return nil
		}
		return all
	})
}

var textMaps = rapid.Map(rapid.MapOfN(texts, texts, 0, 4), func(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	return m
})

var triggers = rapid.Custom(func(t *rapid.T) Trigger {
	d, yes, s := durations.Draw(t, "duration"), rapid.Bool().Draw(t, "yes"), texts.Draw(t, "text")
	all := []Trigger{
		TimeTrigger{d, yes},
		MaintenanceTrigger{d, yes},
		CalendarTrigger{s, texts.Draw(t, "zone"), yes},
		SystemTrigger{SystemTriggerType(rapid.IntRange(1, 15).Draw(t, "type")), yes},
		ApplicationTrigger{},
		CustomSystemEventTrigger{s, Recurrence(rapid.IntRange(0, 1).Draw(t, "recurrence"))},
		StorageLibraryContentChangedTrigger{lists(texts).Draw(t, "paths"), d},
		SocketActivityTrigger{s},
		DeviceWatcherTrigger{s, textMaps.Draw(t, "properties")},
		ToastNotificationActionTrigger{s},
		PushNotificationTrigger{s},
		nil,
	}
	return rapid.SampledFrom(all).Draw(t, "trigger")
})

var allConditions = rapid.Custom(func(t *rapid.T) Condition {
	c := Condition(rapid.SampledFrom(SystemConditions()).Draw(t, "row").Condition)
	if rapid.Bool().Draw(t, "or unknown") {
		c = OrUnknown(c)
	}
	return c
})

var specs = rapid.Custom(func(t *rapid.T) Spec {
	s := Spec{
		Name:                  texts.Draw(t, "name"),
		EntryPoint:            GUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "guid")),
		Trigger:               triggers.Draw(t, "trigger"),
		Conditions:            lists(allConditions).Draw(t, "conditions"),
		CancelOnConditionLoss: rapid.Bool().Draw(t, "cancel"),
		Group:                 texts.Draw(t, "group"),
		Retry:                 RetryPolicy{int(rapid.Int32().Draw(t, "attempts")), durations.Draw(t, "first"), durations.Draw(t, "limit")},
		Misfire:               Misfire{MisfirePolicy(rapid.IntRange(0, 2).Draw(t, "policy")), int(rapid.Int32().Draw(t, "max"))},
		Hold:                  Hold{durations.Draw(t, "hold"), HoldThen(rapid.IntRange(0, 1).Draw(t, "then"))},
		Queue:                 int(rapid.Int32().Draw(t, "queue")),
		Exclusive:             texts.Draw(t, "exclusive"),
		RunLimit:              durations.Draw(t, "run limit"),
	}
	if rapid.Bool().Draw(t, "command") {
		s.Command = &Command{texts.Draw(t, "path"), lists(texts).Draw(t, "args"), texts.Draw(t, "dir"), lists(texts).Draw(t, "env"),
			texts.Draw(t, "env file"), rapid.Uint32().Draw(t, "umask"), rapid.Bool().Draw(t, "retry")}
	}
	return s
})

// TestSpecRoundTrips encodes any registration in both forms and reads it back;
// encoding/json is the judge of what is JSON.
func TestSpecRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := specs.Draw(t, "spec")
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readSpec(data)
		if err != nil {
			t.Fatalf("%v in %s", err, data)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%s\n%s", d, data)
		}
	})
}

// TestSpecForm pins what scripts read.
func TestSpecForm(t *testing.T) {
	s := good()
	s.Exclusive = "store"
	s.Conditions[1] = OrUnknown(BatteryNotLow)
	s.RunLimit = 1500 * time.Millisecond
	for name, v := range map[string]any{"spec": s, "trigger": SystemTrigger{Type: OnInternetAvailable}} {
		data, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "json/"+name+".json", string(data)+"\n")
	}
}

func TestDecodeIsLenientAboutFormOnly(t *testing.T) {
	in := " {\t\"trigger\" : { \"freshness_s\" : 0.250 , \"type\" : \"TimeTrigger\" } ,\n \"name\":\"\\u0061\\ud83d\\ude42\", \"group\":null, \"conditions\":null}\r\n"
	want := Spec{Name: "a🙂", Trigger: TimeTrigger{Freshness: 250 * time.Millisecond}}
	got, err := readSpec([]byte(in))
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v\n%s", err, d)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, in := range []string{
		``, `{`, `[]`, `{"name"}`, `{"name":}`, `{"name":"a"`, `{"name":"a",}`, `{"name":"a"} x`, `{"name":"a"}{}`, `{"name":"a` + "\n" + `"}`,
		"{\"name\":\"\xff\"}", `{"name":"\x"}`, `{"name":"a\`, `{"name":1}`, `{"color":"red"}`, `{"queue":1.5}`, `{"queue":01}`, `{"queue":-}`,
		`{"queue":4294967296}`, `{"queue":"1"}`, `{"run_limit_s":1e3}`, `{"run_limit_s":.5}`, `{"run_limit_s":1.}`, `{"run_limit_s":0.0000000001}`,
		`{"run_limit_s":9999999999}`, `{"run_limit_s":99999999999}`, `{"entry_point":"x"}`, `{"entry_point":"b0c5a6f2-6a1d-4c63-8f0e-7a5c5d3f9a1g"}`,
		`{"conditions":["InternetAvailable"]}`, `{"conditions":[{"type":"SystemCondition"}]}`, `{"conditions":[{"condition":"InternetAvailable"}]}`,
		`{"conditions":[{"type":"SystemCondition","condition":"Sunshine"}]}`, `{"conditions":[null]}`, `{"cancel_on_condition_loss":1}`, `{"trigger":{}}`, `{"trigger":{"type":"SystemTrigger"}}`,
		`{"name":"a","name":"b"}`, `{"Name":"a"}`, `{"trigger":{"type":"TimeTrigger","type":"TimeTrigger"}}`, `{"trigger":{"freshness_s":1}}`,
		`{"trigger":{"type":"SystemTrigger","trigger_type":"InternetAvailable","trigger_type_number":5}}`, `{"command":{"redacted":true}}`,
		`{"conditions":[{"type":"SystemCondition"}]}`, `{"conditions":[{"condition":"ACPower"}]}`,
		`{"trigger":{"type":"PhoneTrigger"}}`, `{"trigger":{"type":"ApplicationTrigger","freshness_s":1}}`,
		`{"trigger":{"type":"SystemTrigger","trigger_type":"Sunrise"}}`, `{"hold":{"then":"Dance"}}`, `{"command":{"umask":-1}}`, "{\"name\":\"a\"}\x00",
	} {
		if s, err := readSpec([]byte(in)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q was read as %+v (%v)", in, s, err)
		}
	}
}

func TestEncodingAPointerIsNoTrigger(t *testing.T) {
	var nowhere *TimeTrigger
	data, err := json.Marshal(Spec{Trigger: nowhere})
	if err != nil || !bytes.Contains(data, []byte(`"trigger":null`)) {
		t.Errorf("got %s, %v", data, err)
	}
}

// TestEveryFieldHasAMember: a field without a tag would be in no JSON.
func TestEveryFieldHasAMember(t *testing.T) {
	seen := map[reflect.Type]bool{reflect.TypeFor[time.Time](): true}
	var look func(reflect.Type)
	look = func(u reflect.Type) {
		switch u.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
			look(u.Elem())
		case reflect.Interface:
			for _, member := range sealedSets[u] {
				look(member)
			}
		case reflect.Struct:
			if seen[u] {
				return
			}
			seen[u] = true
			for f := range u.Fields() {
				if f.Tag.Get("json") == "" {
					t.Errorf("%v.%s has no json tag", u, f.Name)
				}
				look(f.Type)
			}
		}
	}
	for _, v := range []any{Event{}, Explanation{}, Package{}, Simulation{}} {
		look(reflect.TypeOf(v))
	}
	for set := range sealedSets {
		look(set)
	}
	if len(seen) < 45 {
		t.Errorf("only %d types were looked at", len(seen))
	}
}

func readSpec(data []byte) (s Spec, err error) {
	err = s.UnmarshalJSON(data)
	return s, err
}

func TestSpecEqual(t *testing.T) {
	a, b := wide(), wide()
	b.Conditions = []Condition{OrUnknown(BatteryNotLow), InternetAvailable}
	if !a.Equal(b) || a.Conditions[0] != InternetAvailable {
		t.Error("the order of conditions matters, or was changed")
	}
	b.Conditions[0] = BatteryNotLow
	if a.Equal(b) {
		t.Error("OrUnknown makes no difference")
	}
	b = wide()
	b.Command.Args = append([]string(nil), "backup", "/home/bob")
	if a.Equal(b) {
		t.Error("another command is equal")
	}
	if c := (Spec{Conditions: []Condition{}}); !c.Equal(Spec{}) {
		t.Error("an empty list differs from none")
	}
	if c := (Spec{Retry: RetryPolicy{}.WithDefaults()}); !c.Equal(Spec{}) {
		t.Error("defaults that are written out differ from those that are not")
	}
	if a := (StorageLibraryContentChangedTrigger{Paths: []string{"/b", "/a"}}); !(Spec{Trigger: a}).Equal(Spec{Trigger: StorageLibraryContentChangedTrigger{Paths: []string{"/a", "/b"}, Settle: ContentSettle}}) || a.Paths[0] != "/b" {
		t.Error("the order of paths matters, or was changed")
	}
}

// FuzzReadSpec: what is read is JSON, is written again, and is read again as
// the same; nothing panics.
func FuzzReadSpec(f *testing.F) {
	for _, s := range []Spec{good(), wide()} {
		data, err := json.Marshal(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"trigger":{"properties":{"a":"\ud800"},"type":"DeviceWatcherTrigger"},"run_limit_s":-0.5}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := readSpec(data)
		if err != nil {
			return
		}
		if !json.Valid(data) {
			t.Fatalf("accepted what is not JSON: %q", data)
		}
		_ = s.Validate(PortableToWindows)
		data, err = json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := readSpec(data)
		if d := cmp.Diff(s, again); err != nil || d != "" {
			t.Fatalf("%v\n%s", err, d)
		}
	})
}

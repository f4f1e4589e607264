package task

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var payloads = lists(rapid.Byte())

var allDetails = rapid.Custom(func(t *rapid.T) Details {
	s, n := texts.Draw(t, "text"), int(rapid.Int32().Draw(t, "count"))
	payload := payloads.Draw(t, "payload")
	due := time.Unix(rapid.Int64Range(-1e9, 1e10).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC()
	all := []Details{
		TimeTriggerDetails{due, n},
		TimeTriggerDetails{time.Time{}, n},
		SystemTriggerDetails{SystemTriggerType(rapid.IntRange(1, 15).Draw(t, "type")), Value(s), Value(texts.Draw(t, "new"))},
		ApplicationTriggerDetails{payload},
		CustomSystemEventTriggerDetails{s, payload},
		StorageLibraryContentChangedTriggerDetails{lists(texts).Draw(t, "paths"), n > 0},
		SocketActivityTriggerDetails{s},
		DeviceWatcherTriggerDetails{s, texts.Draw(t, "device"), textMaps.Draw(t, "properties")},
		ToastNotificationActionTriggerDetails{s, uint32(n), s + s, s, s},
		PushNotificationTriggerDetails{payload},
		ManualDetails{payload},
		nil,
	}
	return rapid.SampledFrom(all).Draw(t, "details")
})

func TestDetailsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := allDetails.Draw(t, "details")
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeDetails(data)
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Fatalf("%v\n%s\n%s", err, d, data)
		}
	})
}

func TestDecodeDetailsRefuses(t *testing.T) {
	for _, in := range []string{
		`{}`, `{"type":"Birthday"}`, `{"type":"TimeTrigger","due":"yesterday"}`, `{"type":"TimeTrigger","arguments":"aGk="}`,
		`{"type":"SystemTrigger"}`, `{"type":"Manual","arguments":"?"}`, `{"type":"ToastNotificationActionTrigger","notification_id":-1}`, `{"type":"Manual"} ` + "x",
	} {
		if d, err := DecodeDetails([]byte(in)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q was read as %+v (%v)", in, d, err)
		}
	}
}

func FuzzDecodeDetails(f *testing.F) {
	f.Add([]byte(`{"type":"ApplicationTrigger","arguments":"aGk="}`))
	f.Add([]byte(`{"due":"2026-11-23T14:28:20.123+01:00","missed":3,"type":"TimeTrigger"}`))
	f.Add([]byte(`{"type":"SystemTrigger","trigger_type":"UserAway","old":"present","new":"away"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		want, err := DecodeDetails(data)
		if err != nil {
			return
		}
		if !json.Valid(data) {
			t.Fatalf("accepted what is not JSON: %q", data)
		}
		again, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeDetails(again)
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Fatalf("%v\n%s", err, d)
		}
	})
}

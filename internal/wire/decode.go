package wire

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/bgtask/bgtask/task"
)

// decoder reads the fields of a message and collects its faults, so that a conversion
// reads as a list of fields and the peer gets all faults in one answer.
//
// Limits apply to requests, where strict is set. The broker's answers are bounded by
// the size of a message, and a long text in one is no reason to refuse it. A number of
// an enumeration that is newer than this version passes if it fits the type, so that
// the answer of a newer broker can be shown.
type decoder struct {
	strict bool
	faults []error
}

func (d *decoder) err() error { return errors.Join(d.faults...) }

func (d *decoder) invalid(field, detail string) {
	d.faults = append(d.faults, &task.Error{Subject: field, Err: task.ErrInvalid, Detail: detail})
}

// over reports whether a field exceeds its limit, and adds that fault.
func (d *decoder) over(field string, have, most int, unit string) bool {
	if !d.strict || have <= most {
		return false
	}
	d.faults = append(d.faults, &task.Error{
		Subject: field, Err: task.ErrLimit, Detail: fmt.Sprintf("it has %d %s; at most %d are allowed", have, unit, most),
	})
	return true
}

func (d *decoder) guid(field, s string) task.GUID {
	if s == "" {
		return task.GUID{}
	}
	g, err := task.ParseGUID(s)
	if err != nil {
		d.invalid(field, "it is not a GUID; one looks like 14c5882b-35d3-41be-86b2-5106269b97e6")
	}
	return g
}

// need is guid for a required field.
func (d *decoder) need(field, s string) task.GUID {
	g := d.guid(field, s)
	if s == "" || g.IsZero() && len(d.faults) == 0 {
		d.invalid(field, "it is required")
	}
	return g
}

func (d *decoder) text(field, s string, most int) string {
	if d.over(field, len(s), most, "bytes") {
		return ""
	}
	return s
}

func (d *decoder) texts(field string, s []string, most, size int) []string {
	if len(s) == 0 || d.over(field, len(s), most, "items") {
		return nil
	}
	for _, each := range s {
		d.text(field, each, size)
	}
	return s
}

// bytes returns nil for an empty field, because the wire does not distinguish the two.
func (d *decoder) bytes(field string, b []byte, most int) []byte {
	if len(b) == 0 || d.over(field, len(b), most, "bytes") {
		return nil
	}
	return b
}

func (d *decoder) time(field string, t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	if err := t.CheckValid(); err != nil {
		d.invalid(field, "it is not a time")
		return time.Time{}
	}
	return t.AsTime()
}

func (d *decoder) duration(field string, t *durationpb.Duration) time.Duration {
	if t == nil {
		return 0
	}
	v := t.AsDuration() // out of range, it returns the largest or smallest duration
	if err := t.CheckValid(); err != nil || v == math.MaxInt64 || v == math.MinInt64 {
		d.invalid(field, "it is not a duration")
		return 0
	}
	return v
}

func (d *decoder) count(field string, n uint64) int {
	if n > math.MaxInt64 {
		d.invalid(field, "it is not a number of things")
		return 0
	}
	return int(n)
}

func (d *decoder) properties(field string, m map[string]string) map[string]string {
	if len(m) == 0 || d.over(field, len(m), task.MaxProperties, "items") {
		return nil
	}
	for name, value := range m {
		d.text(field, name, task.MaxName)
		d.text(field, value, task.MaxPath)
	}
	return m
}

// enum converts a number that is the same on the wire and in package task.
func enum[T ~uint8, N ~int32](d *decoder, field string, n N) T {
	if n < 0 || n > math.MaxUint8 {
		d.invalid(field, fmt.Sprintf("there is no number %d", n))
		return 0
	}
	return T(n)
}

// shifted converts a number that is one more on the wire than in package task, where
// zero has a meaning; on the wire, zero means unspecified. Zero becomes zero.
func shifted[T ~uint8, N ~int32](d *decoder, field string, n N) T {
	return enum[T](d, field, max(n-1, min(n, 0)))
}

func list[T, P any](d *decoder, field string, most int, items []P, convert func(*decoder, P) T) []T {
	if len(items) == 0 || d.over(field, len(items), most, "items") {
		return nil
	}
	all := make([]T, len(items))
	for i, item := range items {
		all[i] = convert(d, item)
	}
	return all
}

// answer converts a whole message from the broker, without limits.
func answer[T, P any](m P, convert func(*decoder, P) T) (T, error) {
	return whole(&decoder{}, m, convert)
}

// request converts a whole message to the broker, within the limits.
func request[T, P any](m P, convert func(*decoder, P) T) (T, error) {
	return whole(&decoder{strict: true}, m, convert)
}

func whole[T, P any](d *decoder, m P, convert func(*decoder, P) T) (T, error) {
	v := convert(d, m)
	if err := d.err(); err != nil {
		var zero T
		return zero, err
	}
	return v, nil
}

// many is the limit of a list that only the size of a message bounds.
const many = math.MaxInt32

// Helpers for encoding. A zero value becomes an absent field.

func timeTo(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func durationTo(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}

func guidTo(g task.GUID) string {
	if g.IsZero() {
		return ""
	}
	return g.String()
}

func guidsTo(all []task.GUID) []string { return mapped(all, guidTo) }

// text replaces invalid UTF-8 in s, which the wire does not accept. The output of
// programs, file names and properties of devices may be any bytes.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func texts(all []string) []string { return mapped(all, text) }

func mapped[T, P any](items []T, convert func(T) P) []P {
	if len(items) == 0 {
		return nil
	}
	all := make([]P, len(items))
	for i, item := range items {
		all[i] = convert(item)
	}
	return all
}

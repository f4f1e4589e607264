package task

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The JSON form of the vocabulary comes from the tags of its structs, by one walk
// for writing (this file) and one for reading (json_read.go). encoding/json does the
// texts, numbers and lists. What it cannot be asked for by a tag is done here:
//
//   - No key is ever missing. What is not known is null: an empty text, a zero GUID
//     or time, a nil pointer. A list or map is never null. With the option omitzero a
//     zero number is null too.
//   - A time is RFC 3339 in UTC. A duration is a number of seconds, exact to the
//     nanosecond.
//   - An enumeration is the name of its value. If its numbers are WinRT's, the number
//     stands beside it, under the key with "_number".
//   - A member of a sealed set is an object whose "type" is its type's name, without
//     "Details".
//   - jsonMembers adds what is no field.

// marshalJSON writes v, which is a struct, a member of a sealed set, or nil.
func marshalJSON(v any) ([]byte, error) {
	w := &jsonWriter{redact: true}
	b := w.value(reflect.ValueOf(v))
	return b, w.err
}

// jsonWriter writes values. Arguments and environments of commands are left out
// with redact, except of a Spec that is written by itself.
type jsonWriter struct {
	redact bool
	err    error
}

// jsonMember is a member of an object: its key and the JSON of its value.
type jsonMember struct {
	key   string
	value []byte
}

// jsonObject is an object that is being written.
type jsonObject struct {
	*jsonWriter
	members []jsonMember
}

// jsonMembers is implemented by structs that have members beside their fields, or
// fields that are known only sometimes.
type jsonMembers interface{ jsonMembers(o *jsonObject) }

var null = []byte("null")

// set adds a member, or replaces it.
func (o *jsonObject) set(key string, v any) {
	o.put(key, o.value(reflect.ValueOf(v)))
}

// setIf adds a member that is null unless it is known.
func (o *jsonObject) setIf(known bool, key string, v any) {
	if !known {
		v = nil
	}
	o.set(key, v)
}

// unknown makes members null.
func (o *jsonObject) unknown(keys ...string) {
	for _, key := range keys {
		o.put(key, null)
	}
}

func (o *jsonObject) put(key string, value []byte) {
	for i := range o.members {
		if o.members[i].key == key {
			o.members[i].value = value
			return
		}
	}
	o.members = append(o.members, jsonMember{key, value})
}

func (o *jsonObject) bytes() []byte {
	b := []byte{'{'}
	for i, m := range o.members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, o.encoded(m.key)...), ':'), m.value...)
	}
	return append(b, '}')
}

// encoded is what encoding/json makes of a value.
func (w *jsonWriter) encoded(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil && w.err == nil {
		w.err = err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// value writes a value by its type, or else by its kind.
func (w *jsonWriter) value(v reflect.Value) []byte {
	if !v.IsValid() {
		return null
	}
	switch x := v.Interface().(type) {
	case time.Duration:
		return appendSeconds(nil, x)
	case time.Time:
		if x.IsZero() {
			return null
		}
		return w.encoded(x.UTC())
	}
	if v.Type() == reflect.TypeFor[Condition]() && !v.IsNil() {
		return w.condition(v.Interface().(Condition))
	}
	if isEnum(v.Type()) {
		return w.orNull(enumName(v))
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return null
		}
		return w.value(v.Elem())
	case reflect.Struct:
		return w.object(v)
	case reflect.String:
		return w.orNull(v.String())
	case reflect.Array: // a GUID, or a token that is one
		if v.IsZero() {
			return null
		}
		return w.encoded(v.Convert(reflect.TypeFor[GUID]()).Interface())
	case reflect.Map:
		if v.Len() == 0 {
			return []byte("{}")
		}
	case reflect.Slice:
		return w.list(v)
	}
	return w.encoded(v.Interface())
}

func (w *jsonWriter) orNull(s string) []byte {
	if s == "" {
		return null
	}
	return w.encoded(s)
}

// list writes a list; bytes are base64.
func (w *jsonWriter) list(v reflect.Value) []byte {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		if v.Len() == 0 {
			return null
		}
		return w.encoded(v.Bytes())
	}
	b := []byte{'['}
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, w.value(v.Index(i))...)
	}
	return append(b, ']')
}

// object writes a struct.
func (w *jsonWriter) object(v reflect.Value) []byte {
	o := &jsonObject{jsonWriter: w}
	if name := memberName(v.Type()); name != "" {
		o.set("type", name)
	}
	w.fields(o, v)
	return o.bytes()
}

func (w *jsonWriter) fields(o *jsonObject, v reflect.Value) {
	for i := range v.NumField() {
		key, options := jsonTag(v.Type().Field(i))
		f := v.Field(i)
		switch {
		case key == "":
			continue
		case options == "omitzero" && f.IsZero():
			o.put(key, null)
		default:
			o.put(key, w.value(f))
		}
		if isNumbered(f.Type()) {
			o.put(key+"_number", enumNumber(f))
		}
	}
	if x, ok := v.Interface().(jsonMembers); ok {
		x.jsonMembers(o)
	}
}

// jsonTag takes the tag of a field apart; "" has no member.
func jsonTag(f reflect.StructField) (key, options string) {
	key, options, _ = strings.Cut(f.Tag.Get("json"), ",")
	if key == "-" {
		key = ""
	}
	return key, options
}

// condition writes a condition; OrUnknown is a member of it.
func (w *jsonWriter) condition(c Condition) []byte {
	plain, orUnknown := CutUnknown(c)
	o := &jsonObject{jsonWriter: w}
	o.set("type", plain.Class())
	if system, ok := plain.(SystemCondition); ok {
		w.fields(o, reflect.ValueOf(systemConditionJSON{system}))
	} else {
		w.fields(o, reflect.ValueOf(plain))
	}
	o.set(orUnknownKey, orUnknown)
	return o.bytes()
}

// orUnknownKey is the member of a condition that OrUnknown has made.
const orUnknownKey = "run_if_unknown"

// systemConditionJSON gives a SystemCondition, which is a number, a member.
type systemConditionJSON struct {
	Condition SystemCondition `json:"condition"`
}

// isEnum reports whether a type is an enumeration: a small number with names.
func isEnum(t reflect.Type) bool {
	return (t.Kind() == reflect.Uint8 || t.Kind() == reflect.Uint32) && t.Implements(stringer)
}

var stringer = reflect.TypeFor[interface{ String() string }]()

// isNumbered reports whether the numbers of an enumeration are WinRT's.
func isNumbered(t reflect.Type) bool {
	switch t {
	case reflect.TypeFor[SystemTriggerType](), reflect.TypeFor[Recurrence](), reflect.TypeFor[AccessStatus](),
		reflect.TypeFor[CancellationReason](), reflect.TypeFor[SystemCondition]():
		return true
	}
	return false
}

// enumName is the name of an enumeration's value, "" when it has none.
func enumName(v reflect.Value) string {
	name := v.Interface().(interface{ String() string }).String()
	if strings.HasSuffix(name, ")") { // as nameOf writes what has none
		return ""
	}
	return name
}

// enumNumber is WinRT's number of an enumeration's value, where it has one.
func enumNumber(v reflect.Value) []byte {
	if c, ok := v.Interface().(SystemCondition); ok {
		if row, known := c.Row(); !known || !row.Windows {
			return null
		}
	}
	return strconv.AppendUint(nil, v.Uint(), 10)
}

// appendSeconds writes a duration exactly: 900, 0.25.
func appendSeconds(b []byte, d time.Duration) []byte {
	n := uint64(d)
	if d < 0 {
		b = append(b, '-')
		n = -n
	}
	b = strconv.AppendUint(b, n/uint64(time.Second), 10)
	if fraction := n % uint64(time.Second); fraction != 0 {
		digits := strconv.FormatUint(fraction+uint64(time.Second), 10) // "1" and nine digits
		b = append(b, '.')
		b = append(b, strings.TrimRight(digits[1:], "0")...)
	}
	return b
}

// sealedSets are the types whose values are objects with a "type".
var sealedSets = map[reflect.Type][]reflect.Type{
	reflect.TypeFor[Trigger](): typesOf(TimeTrigger{}, MaintenanceTrigger{}, CalendarTrigger{}, SystemTrigger{}, ApplicationTrigger{},
		CustomSystemEventTrigger{}, StorageLibraryContentChangedTrigger{}, SocketActivityTrigger{}, DeviceWatcherTrigger{},
		ToastNotificationActionTrigger{}, PushNotificationTrigger{}),
	reflect.TypeFor[Details](): typesOf(TimeTriggerDetails{}, SystemTriggerDetails{}, ApplicationTriggerDetails{}, CustomSystemEventTriggerDetails{},
		StorageLibraryContentChangedTriggerDetails{}, SocketActivityTriggerDetails{}, DeviceWatcherTriggerDetails{},
		ToastNotificationActionTriggerDetails{}, PushNotificationTriggerDetails{}, ManualDetails{}),
	reflect.TypeFor[Condition](): typesOf(systemConditionJSON{}),
}

func typesOf(values ...any) (all []reflect.Type) {
	for _, v := range values {
		all = append(all, reflect.TypeOf(v))
	}
	return all
}

// memberName is the "type" of a member of a sealed set, "" for any other type.
func memberName(t reflect.Type) string {
	if t == reflect.TypeFor[systemConditionJSON]() {
		return SystemCondition(0).Class()
	}
	for _, all := range sealedSets {
		if slices.Contains(all, t) {
			return strings.TrimSuffix(t.Name(), "Details")
		}
	}
	return ""
}

// isTrigger is false for nil, for a pointer to a trigger and for a type that embeds
// one; Validate refuses these.
func isTrigger(t Trigger) bool {
	return t != nil && slices.Contains(sealedSets[reflect.TypeFor[Trigger]()], reflect.TypeOf(t))
}

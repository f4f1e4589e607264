package task

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// unmarshalJSON reads what marshalJSON writes into the value that to points to. It
// is strict where a mistake would go unnoticed: a key that is not known or comes
// twice, text that is not UTF-8 and a number beside a name that contradicts it are
// errors. A member that is missing, or null, is zero. It checks the form only.
func unmarshalJSON(data []byte, to any) error {
	if !utf8.Valid(data) {
		return invalidJSON("it is not UTF-8")
	}
	if err := checkSyntax(data); err != nil {
		return err
	}
	return readValue(data, reflect.ValueOf(to).Elem())
}

func checkSyntax(data []byte) error {
	var any json.RawMessage
	if err := json.Unmarshal(data, &any); err != nil {
		return invalidJSON("%v", err)
	}
	return nil
}

func invalidJSON(format string, args ...any) error {
	return &Error{Err: ErrInvalid, Detail: "JSON: " + fmt.Sprintf(format, args...)}
}

// readValue reads one value by its type, or else by its kind.
func readValue(data []byte, v reflect.Value) error {
	if bytes.Equal(data, null) {
		v.SetZero()
		return nil
	}
	switch t := v.Type(); {
	case t == reflect.TypeFor[time.Duration]():
		d, err := parseSeconds(string(data))
		v.SetInt(int64(d))
		return err
	case t == reflect.TypeFor[time.Time]():
		return readTime(data, v)
	case isEnum(t):
		return readEnum(data, v)
	case t.Kind() == reflect.Interface:
		return readMember(data, v)
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		return readValue(data, v.Elem())
	case t.Kind() == reflect.Struct:
		members, err := readMembers(data)
		if err != nil {
			return err
		}
		return readFields(members, v)
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		return readList(data, v)
	}
	if err := json.Unmarshal(data, v.Addr().Interface()); err != nil {
		return invalidJSON("%v", err)
	}
	switch v.Kind() {
	case reflect.Int: // a form that 32 bits can hold, as the wire's does
		if v.Int() != int64(int32(v.Int())) {
			return invalidJSON("the number %d is too large", v.Int())
		}
	case reflect.Map, reflect.Slice:
		if v.Len() == 0 {
			v.SetZero()
		}
	}
	return nil
}

func readTime(data []byte, v reflect.Value) error {
	var t time.Time
	if err := json.Unmarshal(data, &t); err != nil {
		return invalidJSON("%s is not a time like 2026-11-23T14:28:20Z", clip(string(data), 64))
	}
	v.Set(reflect.ValueOf(t.UTC()))
	return nil
}

// readEnum finds the value of an enumeration by its name.
func readEnum(data []byte, v reflect.Value) error {
	var name string
	if err := json.Unmarshal(data, &name); err != nil {
		return invalidJSON("%v", err)
	}
	for n := range uint64(math.MaxUint8 + 1) {
		if v.SetUint(n); name != "" && enumName(v) == name {
			return nil
		}
	}
	return invalidJSON("there is no %s %q", v.Type().Name(), clip(name, 64))
}

func readList(data []byte, v reflect.Value) error {
	var items []json.RawMessage
	if err := json.Unmarshal(data, &items); err != nil {
		return invalidJSON("%v", err)
	}
	if len(items) == 0 {
		v.SetZero()
		return nil
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		if v.Type().Elem().Kind() == reflect.Interface && bytes.Equal(item, null) {
			return invalidJSON("a %s is expected, not null", v.Type().Elem().Name())
		}
		if err := readValue(item, v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

// readMembers takes an object apart; a key that comes twice is an error, where
// encoding/json takes the last.
func readMembers(data []byte) (map[string]json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return nil, invalidJSON("an object is expected, not %s", clip(string(data), 64))
	}
	members := map[string]json.RawMessage{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, invalidJSON("%v", err)
		}
		key := token.(string) // the syntax was checked
		if _, twice := members[key]; twice {
			return nil, invalidJSON("the key %q comes twice", clip(key, 64))
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, invalidJSON("%v", err)
		}
		members[key] = value
	}
	return members, nil
}

// jsonExtras is implemented by structs that read members beside their fields.
type jsonExtras interface {
	readExtras(members map[string]json.RawMessage) error
}

// readFields reads the members of a struct, and refuses what is left of them.
func readFields(members map[string]json.RawMessage, v reflect.Value) error {
	for i := range v.NumField() {
		key, _ := jsonTag(v.Type().Field(i))
		if value, ok := members[key]; ok && key != "" {
			delete(members, key)
			if err := readValue(value, v.Field(i)); err != nil {
				return err
			}
		}
		if isNumbered(v.Field(i).Type()) {
			if err := readNumber(members, key, v.Field(i)); err != nil {
				return err
			}
		}
	}
	if x, ok := v.Addr().Interface().(jsonExtras); ok {
		if err := x.readExtras(members); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		return invalidJSON("there is no member %q here", clip(key, 64))
	}
	return nil
}

// readNumber reads the number beside a name, which says the same. An enumeration
// without a name for zero is required.
func readNumber(members map[string]json.RawMessage, key string, v reflect.Value) error {
	if enumName(v) == "" {
		return invalidJSON("a %s is expected", key)
	}
	number, ok := members[key+"_number"]
	delete(members, key+"_number")
	if want := enumNumber(v); ok && !bytes.Equal(number, want) {
		return invalidJSON("%s_number is %s; that of %s is %s", key, clip(string(number), 64), enumName(v), want)
	}
	return nil
}

// readMember reads a member of the sealed set that is the type of v.
func readMember(data []byte, v reflect.Value) error {
	members, err := readMembers(data)
	if err != nil {
		return err
	}
	var name string
	if err := json.Unmarshal(members["type"], &name); err != nil {
		return invalidJSON("a %s needs a type", v.Type().Name())
	}
	delete(members, "type")
	set := sealedSets[v.Type()]
	i := slices.IndexFunc(set, func(t reflect.Type) bool { return memberName(t) == name })
	if i < 0 {
		return invalidJSON("there is no %s of the type %q", v.Type().Name(), clip(name, 64))
	}
	unknown, isCondition := members[orUnknownKey], v.Type() == reflect.TypeFor[Condition]()
	if isCondition {
		delete(members, orUnknownKey)
	}
	member := reflect.New(set[i]).Elem()
	if err := readFields(members, member); err != nil {
		return err
	}
	if !isCondition {
		v.Set(member)
		return nil
	}
	return setCondition(v, member.Interface(), unknown)
}

// setCondition sets v to what was read of a condition, wrapped if the member for
// OrUnknown is true.
func setCondition(v reflect.Value, read any, unknown json.RawMessage) error {
	if s, ok := read.(systemConditionJSON); ok {
		read = s.Condition
	}
	c, orUnknown := read.(Condition), false
	if unknown != nil {
		if err := readValue(unknown, reflect.ValueOf(&orUnknown).Elem()); err != nil {
			return err
		}
	}
	if orUnknown {
		c = OrUnknown(c)
	}
	v.Set(reflect.ValueOf(c))
	return nil
}

// parseSeconds reads a number of seconds with at most nine decimals.
func parseSeconds(s string) (time.Duration, error) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	n, err := strconv.ParseUint(whole+fraction+strings.Repeat("0", max(0, 9-len(fraction))), 10, 64)
	if err != nil || n > math.MaxInt64 || len(fraction) > 9 || point && fraction == "" {
		return 0, invalidJSON("%s is not a number of seconds", clip(s, 64))
	}
	if negative {
		return -time.Duration(n), nil
	}
	return time.Duration(n), nil
}

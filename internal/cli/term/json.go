package term

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// jsonVersion grows when the meaning of a member changes. A new member does not change
// it.
const jsonVersion = 1

// Field is a member of a JSON object. Members keep their order.
type Field struct {
	key   string
	value any
}

// Member returns a member of an object.
func Member(key string, value any) Field { return Field{key, value} }

// Object prints {"version":1,...} on one line.
func (tty *Terminal) Object(members ...Field) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"version":%d`, jsonVersion)
	for _, m := range members {
		fmt.Fprintf(&b, `,%q:`, m.key)
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(m.value); err != nil {
			b.WriteString("null") // a value that cannot be encoded is a defect; half an object would be worse
			continue
		}
		b.Truncate(b.Len() - 1) // the newline
	}
	b.WriteString("}\n")
	_, _ = tty.Stdout.Write(b.Bytes()) // the program asks for write errors at its end
}

// ListOf returns all, as [] and not null if it is empty.
func ListOf[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// OrNull returns null for an empty string.
func OrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// TimeOrNull returns t in UTC, or null for the zero time.
func TimeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

package term

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// jsonVersion is raised when the meaning of what is there changes.
const jsonVersion = 1

// Field is one of an object's, in its order.
type Field struct {
	key   string
	value any
}

// Member is a field of an object.
func Member(key string, value any) Field { return Field{key, value} }

// Object prints {"version": 1, ...} on a line.
func (tty *Terminal) Object(members ...Field) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"version":%d`, jsonVersion)
	for _, m := range members {
		fmt.Fprintf(&b, `,%q:`, m.key)
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(m.value); err != nil {
			b.WriteString("null") // a value of ours that cannot be encoded is a defect, but no reason to print half an object
			continue
		}
		b.Truncate(b.Len() - 1) // the newline
	}
	b.WriteString("}\n")
	tty.Stdout.Write(b.Bytes())
}

// ListOf is never null.
func ListOf[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// OrNull is null for what is not known.
func OrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func TimeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// jsonVersion is raised when the meaning of what is there changes.
const jsonVersion = 1

// member is one of an object's, in its order.
type member struct {
	key   string
	value any
}

// object prints {"version": 1, ...} on a line.
func (a *app) object(members ...member) {
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
	a.stdout.Write(b.Bytes())
}

// listOf is never null.
func listOf[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// orNull is null for what is not known.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

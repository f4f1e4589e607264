package task

import (
	"encoding/hex"
	"fmt"
)

// GUID is a 128-bit identifier in the byte order in which it is printed:
// a CLSID, a TaskID, an InstanceID.
type GUID [16]byte

// ParseGUID reads the 36-character form, with or without braces, in either case.
func ParseGUID(s string) (GUID, error) {
	var g GUID
	if len(s) == 38 && s[0] == '{' && s[37] == '}' {
		s = s[1:37]
	}
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return g, fmt.Errorf("%w: %q is not a GUID; one looks like 14c5882b-35d3-41be-86b2-5106269b97e6", ErrInvalid, clip(s, 64))
	}
	digits := s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	if _, err := hex.Decode(g[:], []byte(digits)); err != nil {
		return GUID{}, fmt.Errorf("%w: %q is not a GUID: a character is not a hexadecimal digit", ErrInvalid, s)
	}
	return g, nil
}

// MustGUID is ParseGUID for constants of a program; it panics on a bad one.
func MustGUID(s string) GUID {
	g, err := ParseGUID(s)
	if err != nil {
		panic(err)
	}
	return g
}

// String gives the lower-case form without braces.
func (g GUID) String() string {
	var b [36]byte
	g.put(&b)
	return string(b[:])
}

func (g GUID) put(b *[36]byte) {
	hex.Encode(b[0:8], g[0:4])
	hex.Encode(b[9:13], g[4:6])
	hex.Encode(b[14:18], g[6:8])
	hex.Encode(b[19:23], g[8:10])
	hex.Encode(b[24:36], g[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
}

// IsZero says whether g is the nil GUID.
func (g GUID) IsZero() bool { return g == GUID{} }

// MarshalText implements encoding.TextMarshaler.
func (g GUID) MarshalText() ([]byte, error) {
	var b [36]byte
	g.put(&b)
	return b[:], nil
}

// UnmarshalText implements encoding.TextUnmarshaler; empty text is the nil GUID.
func (g *GUID) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*g = GUID{}
		return nil
	}
	*g, err = ParseGUID(string(b))
	return err
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n] + "..."
	}
	return s
}

package manifest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

// decode converts a manifest to UTF-8 without a byte order mark, and reports
// whether it was UTF-16. Windows tools write both.
func decode(data []byte) (text []byte, wide bool, err error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		text = data[3:]
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		return fromUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		return fromUTF16(data[2:], binary.BigEndian)
	case bytes.HasPrefix(data, []byte("<\x00")):
		return fromUTF16(data, binary.LittleEndian)
	case bytes.HasPrefix(data, []byte("\x00<")):
		return fromUTF16(data, binary.BigEndian)
	default:
		text = data
	}
	if !utf8.Valid(text) {
		return nil, false, errors.New("the text is neither UTF-8 nor UTF-16; save the file as UTF-8")
	}
	return text, false, nil
}

func fromUTF16(data []byte, order binary.ByteOrder) ([]byte, bool, error) {
	if len(data)%2 != 0 {
		return nil, true, errors.New("the text is UTF-16 and ends within a character")
	}
	text := make([]byte, 0, len(data))
	for i := 0; i < len(data); i += 2 {
		r := rune(order.Uint16(data[i:]))
		if utf16.IsSurrogate(r) {
			low := rune(0)
			if i+3 < len(data) {
				low = rune(order.Uint16(data[i+2:]))
			}
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
				return nil, true, errors.New("the text is UTF-16 and contains half a surrogate pair")
			}
			i += 2
		}
		text = utf8.AppendRune(text, r)
	}
	return text, true, nil
}

//go:build linux

package store

import "encoding/binary"

// message encodes a value that has fields. It is left out if all of them are zero.
func message[T any](c *codec, n int, v *T, fields func(*codec, *T)) {
	if !c.reading {
		before := len(c.buf)
		if writeMessage(c, n, v, fields) == 0 {
			c.buf = c.buf[:before]
		}
		return
	}
	if c.at(n, wireBytes) {
		readMessage(c, v, fields)
	}
}

// optional encodes a message that is absent if the pointer is nil.
func optional[T any](c *codec, n int, v **T, fields func(*codec, *T)) {
	if !c.reading {
		if *v != nil {
			writeMessage(c, n, *v, fields)
		}
		return
	}
	if c.at(n, wireBytes) {
		*v = new(T)
		readMessage(c, *v, fields)
	}
}

func list[T any](c *codec, n int, v *[]T, fields func(*codec, *T)) {
	if !c.reading {
		for i := range *v {
			writeMessage(c, n, &(*v)[i], fields)
		}
		return
	}
	for c.at(n, wireBytes) {
		var item T
		readMessage(c, &item, fields)
		*v = append(*v, item)
	}
}

// variant encodes a value of the interface I if its type is T.
func variant[I, T any](c *codec, n int, v *I, fields func(*codec, *T)) {
	if !c.reading {
		if t, ok := any(*v).(T); ok {
			writeMessage(c, n, &t, fields)
		}
		return
	}
	if c.at(n, wireBytes) {
		var t T
		readMessage(c, &t, fields)
		*v = any(t).(I)
	}
}

// oneOf encodes a message with exactly one variant. It is absent if the interface is nil.
func oneOf[I any](c *codec, n int, v *I, variants func(*codec, *I)) {
	if !c.reading {
		if any(*v) != nil && writeMessage(c, n, v, variants) == 0 {
			c.fail("%T cannot be stored", *v)
		}
		return
	}
	if c.at(n, wireBytes) {
		readMessage(c, v, variants)
		if any(*v) == nil {
			c.fail("field %d is of no known kind", n)
		}
	}
}

// writeMessage writes a message and returns the size of its fields in bytes.
func writeMessage[T any](c *codec, n int, v *T, fields func(*codec, *T)) int {
	c.putKey(n, wireBytes)
	start := len(c.buf)
	fields(c, v)
	size := len(c.buf) - start
	if c.err != nil {
		return size
	}
	var prefix [binary.MaxVarintLen64]byte
	width := binary.PutUvarint(prefix[:], uint64(size))
	c.buf = append(c.buf, prefix[:width]...)
	copy(c.buf[start+width:], c.buf[start:start+size])
	copy(c.buf[start:], prefix[:width])
	return size
}

func readMessage[T any](c *codec, v *T, fields func(*codec, *T)) {
	body := c.bytes()
	rest := c.buf
	c.buf = body
	c.advance()
	fields(c, v)
	c.skipRest()
	if c.err == nil {
		c.buf = rest
		c.advance()
	}
}

package msix

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto"
	"encoding/base64"
	"errors"
	"hash/crc32"
	"io"
	"runtime"
	"strconv"
	"sync"
)

// endMark ends the content of a deflated file. It does not belong to a block.
var endMark = []byte{3, 0}

// deflate compresses a part without blocks.
func deflate(w io.Writer, data []byte) error {
	f, err := flate.NewWriter(w, flate.DefaultCompression)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Close()
}

// block is a block of 64 KiB that is being compressed.
type block struct {
	plain  []byte
	packed bytes.Buffer
	hash   [32]byte
	flate  *flate.Writer
	err    error
}

// compressor compresses files, several blocks at a time. The blocks must be
// independent for that, which the format requires anyway: a reader can check and
// unpack each one by itself.
type compressor struct {
	blocks []*block // reused for each round
}

func newCompressor() *compressor {
	c := &compressor{}
	for range min(16, 2*runtime.GOMAXPROCS(0)) {
		c.blocks = append(c.blocks, &block{plain: make([]byte, 0, blockSize)})
	}
	return c
}

// file writes the content of p from r, and adds its File element to the block
// map.
func (c *compressor) file(ctx context.Context, w *writer, p *part, r io.Reader, m *bytes.Buffer) error {
	checksum := crc32.NewIEEE()
	var list bytes.Buffer
	for more := true; more; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		filled, err := c.fill(r)
		if err != nil {
			return err
		}
		more = len(filled) == len(c.blocks)
		pack(filled, p.method)
		for _, b := range filled {
			if b.err != nil {
				return b.err
			}
			checksum.Write(b.plain)
			p.size += int64(len(b.plain))
			if _, err := w.Write(b.content(p.method)); err != nil {
				return err
			}
			b.list(&list, p.method)
		}
	}
	p.crc = checksum.Sum32()
	if p.method == methodDeflated {
		if _, err := w.Write(endMark); err != nil {
			return err
		}
	}
	listFile(m, p, list.Bytes())
	return nil
}

// fill reads up to len(c.blocks) blocks, fewer at the end of r.
func (c *compressor) fill(r io.Reader) ([]*block, error) {
	for i, b := range c.blocks {
		n, err := io.ReadFull(r, b.plain[:blockSize])
		b.plain = b.plain[:n]
		switch {
		case err == io.EOF:
			return c.blocks[:i], nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return c.blocks[:i+1], nil
		case err != nil:
			return nil, err
		}
	}
	return c.blocks, nil
}

// pack hashes and compresses blocks concurrently.
func pack(blocks []*block, method uint16) {
	var all sync.WaitGroup
	for _, b := range blocks {
		all.Go(func() { b.pack(method) })
	}
	all.Wait()
}

func (b *block) pack(method uint16) {
	h := crypto.SHA256.New()
	h.Write(b.plain)
	h.Sum(b.hash[:0])
	if method == methodStored {
		return
	}
	b.packed.Reset()
	if b.flate == nil {
		b.flate, b.err = flate.NewWriter(&b.packed, flate.DefaultCompression)
	} else {
		b.flate.Reset(&b.packed)
	}
	if b.err == nil {
		_, b.err = b.flate.Write(b.plain)
	}
	if b.err == nil {
		b.err = b.flate.Flush() // ends on a byte boundary, so that the next block starts independently
	}
}

func (b *block) content(method uint16) []byte {
	if method == methodStored {
		return b.plain
	}
	return b.packed.Bytes()
}

func (b *block) list(w *bytes.Buffer, method uint16) {
	w.WriteString(`<Block Hash="`)
	w.WriteString(base64.StdEncoding.EncodeToString(b.hash[:]))
	if method == methodDeflated {
		w.WriteString(`" Size="`)
		w.WriteString(strconv.Itoa(b.packed.Len()))
	}
	w.WriteString(`"/>`)
}

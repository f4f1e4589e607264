package msix

import (
	"bytes"
	"context"
	"crypto"
	"io"
	"time"
)

// Sign writes a signed copy of the package of size bytes in r. The package may
// have been made by another tool; its files are copied unchanged. If the package
// is signed already, the error is [ErrSigned].
func Sign(ctx context.Context, w io.Writer, r io.ReaderAt, size int64, s *Signer) error {
	p, err := Open(r, size)
	if err != nil {
		return err
	}
	if p.Signed() {
		return &Error{Err: ErrSigned, Detail: "the package is signed already", Hint: "sign the unsigned original instead"}
	}
	m, err := p.Manifest()
	if err != nil {
		return err
	}
	if err := s.check(m.Identity.Publisher); err != nil {
		return err
	}
	if p.blockMap.hash != crypto.SHA256 {
		return fault(blockMapName, ErrUnsupported, "uses a hash other than SHA-256, the only one supported for signing")
	}
	k := newWriter(w, time.Time{})
	types, err := p.moveAll(ctx, k)
	if err != nil {
		return err
	}
	d := digests{tagTypes: sha256Of(types), tagBlockMap: p.mapHash[crypto.SHA256]}
	if catalog := p.byName[catalogName]; catalog != nil {
		data, err := p.whole(catalog, MaxCatalog)
		if err != nil {
			return err
		}
		d[tagCatalog] = sha256Of(data)
	}
	return k.close(ctx, s, d)
}

// moveAll copies the parts and returns the content types. These must contain the
// type of the signature; if they do not, the part is extended and written after
// the others.
func (p *Reader) moveAll(ctx context.Context, w *writer) ([]byte, error) {
	types, err := p.whole(p.byName[contentTypesName], MaxContentTypes)
	if err != nil {
		return nil, err
	}
	named := p.types.of(signatureName) == typeSignature
	for _, part := range p.parts {
		if part.name == contentTypesName && !named {
			continue
		}
		if err := p.move(ctx, w, part); err != nil {
			return nil, err
		}
	}
	if named {
		return types, nil
	}
	end := bytes.LastIndex(types, []byte("</"))
	prefix := ""
	if name := bytes.TrimPrefix(types[max(end, 0):], []byte("</")); bytes.Contains(name, []byte(":")) {
		prefix = string(name[:bytes.IndexByte(name, ':')+1])
	}
	override := "<" + prefix + `Override PartName="/` + signatureName + `" ContentType="` + typeSignature + `"/>`
	types = bytes.Join([][]byte{types[:max(end, 0)], []byte(override), types[max(end, 0):]}, nil)
	if t, err := readContentTypes(bytes.NewReader(types)); err != nil || t.of(signatureName) != typeSignature {
		return nil, fault(contentTypesName, ErrContentTypes, "cannot be extended by the type of the signature")
	}
	return types, w.small(contentTypesName, types, methodDeflated)
}

// move copies a part unchanged, and its directory entry with the new offset.
func (p *Reader) move(ctx context.Context, w *writer, part *part) error {
	entry := bytes.Clone(part.entry)
	if err := setStart(entry, w.at); err != nil {
		return err
	}
	if _, err := io.Copy(w, contextReader{ctx, io.NewSectionReader(p.ReaderAt, part.start, part.end-part.start)}); err != nil {
		return readError(part.name, err)
	}
	w.directory = append(w.directory, entry...)
	w.count++
	return nil
}

// setStart sets the offset in a directory entry. Parts only move toward the start
// of the file, so the number fits into its field.
func setStart(entry []byte, start int64) error {
	if le.Uint32(entry[42:]) != none32 {
		le.PutUint32(entry[42:], uint32(start))
		return nil
	}
	from := directoryLen + int(le.Uint16(entry[28:]))
	wide, _ := extra(entry[from:from+int(le.Uint16(entry[30:]))], extra64)
	at := 0
	for _, field := range []int{24, 20} {
		if le.Uint32(entry[field:]) == none32 {
			at += 8
		}
	}
	if len(wide) < at+8 {
		return fault("", ErrHeader, "a part is missing a number in its ZIP64 field")
	}
	le.PutUint64(wide[at:], uint64(start))
	return nil
}

// contextReader fails when its context ends.
type contextReader struct {
	ctx context.Context
	io.Reader
}

func (r contextReader) Read(b []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.Reader.Read(b)
}

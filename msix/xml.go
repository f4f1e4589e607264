package msix

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
)

// strictXML returns a decoder for one of the small XML files of a package.
func strictXML(r io.Reader) *xml.Decoder {
	d := xml.NewDecoder(&tagLimit{r: r})
	d.Strict = true
	return d
}

// Limits on tags and nesting. These files need little of both, and the decoder would
// keep any amount in memory.
const (
	maxTag   = 128 << 10
	maxDepth = 16
)

var errLongTag = errors.New("has a tag that is too long")

// tagLimit fails if a tag is too long.
type tagLimit struct {
	r     io.Reader
	since int // bytes since the last <
}

func (t *tagLimit) Read(b []byte) (int, error) {
	n, err := t.r.Read(b[:min(len(b), maxTag)])
	if i := bytes.LastIndexByte(b[:n], '<'); i >= 0 {
		t.since = n - i
	} else {
		t.since += n
	}
	if t.since > maxTag {
		return 0, errLongTag
	}
	if err != nil && err != io.EOF {
		err = sourceError{err}
	}
	return n, err
}

// rootElement reads the root element, which must have the name want.
func rootElement(d *xml.Decoder, part string, sentinel error, want xml.Name) (xml.StartElement, error) {
	start, err := nextElement(d, part, sentinel)
	switch {
	case err != nil:
		return xml.StartElement{}, err
	case start == nil || start.Name != want:
		return xml.StartElement{}, fault(part, sentinel, "the root element is not %s in %s", want.Local, want.Space)
	}
	return *start, nil
}

// nextElement returns the next child element, or nil at the end of its parent or
// of the file. It rejects text other than white space, and DOCTYPE.
func nextElement(d *xml.Decoder, part string, sentinel error) (*xml.StartElement, error) {
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, xmlError(part, sentinel, err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			return &t, nil
		case xml.EndElement:
			return nil, nil
		case xml.Directive:
			return nil, fault(part, sentinel, "contains a DOCTYPE, which is not allowed in a package")
		case xml.CharData:
			for _, c := range t {
				if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
					return nil, fault(part, sentinel, "has text between its elements")
				}
			}
		}
	}
}

// closeElement reads the end of an element without children.
func closeElement(d *xml.Decoder, part string, sentinel error) error {
	child, err := nextElement(d, part, sentinel)
	if err == nil && child != nil {
		err = fault(part, sentinel, "has an unexpected element %s", show(child.Name.Local))
	}
	return err
}

// skip skips an element, with all its content, that is not in our namespace.
func skip(d *xml.Decoder, start *xml.StartElement, part string, sentinel error, own string) error {
	if start.Name.Space == own {
		return fault(part, sentinel, "has an unexpected element %s", show(start.Name.Local))
	}
	for depth := 1; depth > 0; {
		token, err := d.Token()
		if err != nil {
			return xmlError(part, sentinel, err)
		}
		switch token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
		if depth > maxDepth {
			return fault(part, ErrLimit, "nests elements more than %d deep", maxDepth)
		}
	}
	return nil
}

func xmlError(part string, sentinel, err error) error {
	var syntax *xml.SyntaxError
	var source sourceError
	switch {
	case errors.As(err, &source):
		return readError(part, source.error)
	case errors.Is(err, errLongTag):
		return fault(part, ErrLimit, "%v", err)
	case errors.As(err, &syntax):
		return fault(part, sentinel, "line %d: %s", syntax.Line, show(syntax.Msg))
	}
	return fault(part, sentinel, "%s", show(err.Error()))
}

// sourceError is an error of the underlying reader, as opposed to one in the XML
// text.
type sourceError struct{ error }

func attribute(n xml.StartElement, name string) string {
	for _, a := range n.Attr {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func hasAttribute(n xml.StartElement, name string) bool {
	for _, a := range n.Attr {
		if a.Name.Space == "" && a.Name.Local == name {
			return true
		}
	}
	return false
}

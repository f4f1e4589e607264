package manifest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Limits on the document in addition to task.MaxManifest. The deepest manifest found
// in public repositories has 11 levels.
const (
	maxDepth    = 64
	maxElements = 50_000
)

// node is an element. The document is kept as a tree because some checks need
// elements that come later in the file.
type node struct {
	name     xml.Name
	raw      string // the name as written, "com:Class"
	pos             // where it begins
	attrs    []attr
	text     []byte
	parent   *node
	children []*node
	used     bool // whether it was read as part of a class server
	taken    bool // whether it was read into a field; otherwise it is kept in Other
}

type attr struct {
	name  xml.Name
	raw   string
	value string
	pos
	taken bool
}

// child returns the first child with this name, or nil.
func (n *node) child(space, local string) *node {
	for _, c := range n.children {
		if c.name.Space == space && c.name.Local == local {
			return c
		}
	}
	return nil
}

// attr returns the attribute with this name and no namespace, or nil.
func (n *node) attr(local string) *attr {
	for i := range n.attrs {
		if n.attrs[i].name == (xml.Name{Local: local}) {
			return &n.attrs[i]
		}
	}
	return nil
}

// declaration matches the text between <?xml and ?>.
var declaration = regexp.MustCompile(`^\s*version\s*=\s*["']1\.0["'](\s+encoding\s*=\s*["'][-A-Za-z0-9._]+["'])?(\s+standalone\s*=\s*["'](yes|no)["'])?\s*$`)

// noCharacter reports whether XML forbids a rune. The decoder accepts them in
// comments.
func noCharacter(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff
}

// parser builds a tree from the text. The decoder of the standard library knows
// only the five predefined entities and expands no others. The parser rejects
// what the decoder accepts beyond the XML standard.
type parser struct {
	*findings
	text     []byte
	dec      *xml.Decoder
	root     *node
	open     *node // the innermost open element
	depth    int
	elements int
	cursor   cursor
}

// parse parses the document and reports faults to f. It returns nil if there is
// no usable tree.
func parse(f *findings, data []byte) *node {
	text, wide, err := decode(data)
	if err != nil {
		f.add(pos{}, RuleEncoding, "%v", err)
		return nil
	}
	c := cursor{text: text, pos: pos{1, 1}}
	if i := bytes.IndexFunc(text, noCharacter); i >= 0 {
		r, _ := utf8.DecodeRune(text[i:])
		f.add(c.to(i), RuleXML, "not well-formed XML: invalid character %U", r)
		return nil
	}
	p := &parser{findings: f, text: text, dec: xml.NewDecoder(bytes.NewReader(text)), cursor: c}
	p.dec.CharsetReader = func(charset string, in io.Reader) (io.Reader, error) {
		if wide && strings.HasPrefix(strings.ToLower(charset), "utf-16") {
			return in, nil // already converted by decode
		}
		return nil, fmt.Errorf("the encoding %q is not supported; save the file as UTF-8", show(charset))
	}
	if !p.run() {
		return nil
	}
	if p.root == nil {
		f.add(pos{}, RuleXML, "the file contains no element")
	}
	return p.root
}

// run reads to the end of the text. It returns false if the text is not
// well-formed XML.
func (p *parser) run() bool {
	for {
		start := int(p.dec.InputOffset())
		at := p.cursor.to(start)
		tok, err := p.dec.Token()
		if errors.Is(err, io.EOF) {
			return true
		}
		if err != nil {
			p.syntax(at, err)
			return false
		}
		if !p.token(tok, start, at) {
			return false
		}
	}
}

// syntax reports an error of the decoder. The decoder knows the line; the column
// is where it stopped reading.
func (p *parser) syntax(at pos, err error) {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		at = p.cursor.to(int(p.dec.InputOffset()))
		if at.line != syntax.Line {
			at = pos{syntax.Line, 1}
		}
		p.add(at, RuleXML, "not well-formed XML: %s", syntax.Msg)
		return
	}
	if cause := errors.Unwrap(err); cause != nil { // from CharsetReader
		err = cause
	}
	p.add(at, RuleEncoding, "%s", strings.TrimPrefix(err.Error(), "xml: "))
}

func (p *parser) token(tok xml.Token, start int, at pos) bool {
	switch tok := tok.(type) {
	case xml.StartElement:
		return p.start(tok, start, at)
	case xml.EndElement:
		p.open = p.open.parent
		p.depth--
	case xml.CharData:
		return p.chars(tok, at)
	case xml.ProcInst:
		return p.instruction(tok, start, at)
	case xml.Directive:
		p.add(at, RuleDoctype, "a manifest must not contain DOCTYPE or other <!...> declarations")
		return false
	}
	return true
}

func (p *parser) instruction(tok xml.ProcInst, start int, at pos) bool {
	if tok.Target != "xml" {
		return true
	}
	if start != 0 {
		p.add(at, RuleXML, "the XML declaration is not at the start of the file; remove what precedes it")
		return false
	}
	if !declaration.Match(tok.Inst) {
		p.add(at, RuleXML, "not well-formed XML: the XML declaration must be like <?xml version=\"1.0\" encoding=\"utf-8\"?>")
		return false
	}
	return true
}

func (p *parser) chars(text xml.CharData, at pos) bool {
	if p.open != nil {
		p.open.text = append(p.open.text, text...)
		return true
	}
	if len(bytes.TrimSpace(text)) > 0 {
		p.add(at, RuleXML, "not well-formed XML: text outside the root element")
		return false
	}
	return true
}

func (p *parser) start(tok xml.StartElement, start int, at pos) bool {
	p.depth++
	p.elements++
	switch {
	case p.depth > maxDepth:
		p.add(at, RuleLimit, "elements are nested deeper than %d", maxDepth)
		return false
	case p.elements > maxElements:
		p.add(at, RuleLimit, "there are more than %d elements", maxElements)
		return false
	case p.open == nil && p.root != nil:
		p.add(at, RuleXML, "not well-formed XML: a second root element")
		return false
	}
	tag, ok := scanTag(string(p.text[start:p.dec.InputOffset()]))
	if !ok || len(tag.attrs) != len(tok.Attr) {
		p.add(at, RuleXML, "not well-formed XML: no space between attributes")
		return false
	}
	n := &node{name: tok.Name, raw: tag.name, pos: at, parent: p.open}
	p.prefix(n.raw, n.name, at)
	p.attributes(n, tok.Attr, tag.attrs, start)
	if p.open == nil {
		p.root = n
	} else {
		p.open.children = append(p.open.children, n)
	}
	p.open = n
	return true
}

func (p *parser) attributes(n *node, attrs []xml.Attr, raw []rawAttr, start int) {
	seen := make(map[xml.Name]bool, len(attrs))
	for i, a := range attrs {
		at := p.cursor.to(start + raw[i].at)
		if seen[a.Name] {
			p.add(at, RuleXML, "%s has two attributes %s", n.raw, raw[i].name)
		}
		seen[a.Name] = true
		if a.Name.Space != "xmlns" {
			p.prefix(raw[i].name, a.Name, at)
		}
		n.attrs = append(n.attrs, attr{name: a.Name, raw: raw[i].name, value: normal(a.Value, raw[i].value), pos: at})
	}
}

// prefix reports a name whose prefix is not declared. For such a name the decoder
// returns the prefix as the namespace.
func (p *parser) prefix(raw string, name xml.Name, at pos) {
	prefix, _, ok := strings.Cut(raw, ":")
	if ok && name.Space == prefix {
		p.add(at, RuleXML, "%s: the prefix %s is not declared; xmlns:%s is missing", raw, prefix, prefix)
	}
}

// normal replaces line breaks and tabs in an attribute by spaces, as XML requires
// and the decoder does not. If the value contains character references (&#10;),
// it is left unchanged.
func normal(value, raw string) string {
	if strings.Contains(raw, "&#") {
		return value
	}
	return strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ").Replace(value)
}

// cursor finds the lines and columns of increasing offsets.
type cursor struct {
	text   []byte
	offset int
	pos
}

// to moves to an offset and returns its position.
func (c *cursor) to(offset int) pos {
	for c.offset < offset && c.offset < len(c.text) {
		r, size := utf8.DecodeRune(c.text[c.offset:])
		c.offset += size
		c.col++
		if r == '\n' {
			c.pos = pos{c.line + 1, 1}
		}
	}
	return c.pos
}

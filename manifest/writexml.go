package manifest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bgtask/bgtask/task"
)

// lineWidth is the length of a start tag above which each attribute gets its own
// line.
const lineWidth = 140

// writer writes elements as XML. encoding/xml is not used, because it invents
// prefixes and repeats their declarations.
type writer struct {
	bytes.Buffer
	prefixes *prefixTable
	err      error
}

func (w *writer) document(root *Element) ([]byte, error) {
	w.declare(root)
	w.WriteString("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Package\n  xmlns=\"" + foundation + "\"")
	spaces := w.spaces()
	var ignorable []string
	for _, uri := range spaces {
		prefix := w.prefixes.of[uri]
		fmt.Fprintf(&w.Buffer, "\n  xmlns:%s=\"%s\"", prefix, w.escape(uri, true))
		if comVersion(uri) == 0 && uri != foundation {
			ignorable = append(ignorable, prefix)
		}
	}
	if len(ignorable) > 0 {
		fmt.Fprintf(&w.Buffer, "\n  IgnorableNamespaces=\"%s\"", strings.Join(ignorable, " "))
	}
	for _, a := range root.Attrs {
		fmt.Fprintf(&w.Buffer, "\n  %s", w.attr(a))
	}
	w.WriteString(">\n")
	for i := range root.Children {
		w.WriteByte('\n') // blank line before each section
		w.element(&root.Children[i], "  ", foundation)
	}
	w.WriteString("\n</Package>\n")
	switch {
	case w.err != nil:
		return nil, w.err
	case w.Len() > task.MaxManifest:
		return nil, &task.Error{Op: "write the manifest", Err: task.ErrLimit, Detail: fmt.Sprintf("the manifest would exceed its size limit (%d bytes)", task.MaxManifest)}
	}
	return w.Bytes(), nil
}

// declare assigns prefixes to the namespaces that need one: those of attributes,
// and those of elements except the foundation, which is the default namespace.
func (w *writer) declare(e *Element) {
	if e.Space != foundation && e.Space != "" {
		w.prefixes.add(e.Space)
	}
	for _, a := range e.Attrs {
		if a.Space != "" {
			w.prefixes.add(a.Space)
		}
	}
	for i := range e.Children {
		w.declare(&e.Children[i])
	}
}

// spaces returns the namespaces to declare, sorted by prefix with numbers in
// numeric order: uap before uap3 before uap10.
func (w *writer) spaces() []string {
	var list []string
	for uri := range w.prefixes.of {
		if uri != xmlURI {
			list = append(list, uri)
		}
	}
	slices.SortFunc(list, func(a, b string) int {
		p, q := w.prefixes.of[a], w.prefixes.of[b]
		wordP, wordQ := strings.TrimRight(p, "0123456789"), strings.TrimRight(q, "0123456789")
		if wordP != wordQ || len(p) == len(q) {
			return strings.Compare(p, q)
		}
		return len(p) - len(q)
	})
	return list
}

// element writes an element; def is the default namespace in effect.
func (w *writer) element(e *Element, indent, def string) {
	name, attrs := e.Local, []string(nil)
	if prefix := w.prefixes.of[e.Space]; prefix != "" && e.Space != foundation {
		name = prefix + ":" + e.Local
	} else if e.Space != def { // no namespace, or the foundation again inside one without
		def = e.Space
		attrs = append(attrs, `xmlns="`+w.escape(def, true)+`"`)
	}
	for _, a := range e.Attrs {
		attrs = append(attrs, w.attr(a))
	}
	w.WriteString(indent + "<" + name)
	separator := " "
	if width := len(indent) + len(name) + len(strings.Join(attrs, " ")) + len("<  />"); width > lineWidth && len(attrs) > 1 {
		separator = "\n" + indent + "    "
	}
	for _, a := range attrs {
		w.WriteString(separator + a)
	}
	switch {
	case len(e.Children) > 0:
		w.WriteString(">\n")
		if e.Text != "" {
			w.WriteString(indent + "  " + w.escape(e.Text, false) + "\n")
		}
		for i := range e.Children {
			w.element(&e.Children[i], indent+"  ", def)
		}
		w.WriteString(indent + "</" + name + ">\n")
	case e.Text != "":
		w.WriteString(">" + w.escape(e.Text, false) + "</" + name + ">\n")
	default:
		w.WriteString(" />\n")
	}
}

func (w *writer) attr(a Attr) string {
	name := a.Local
	if a.Space != "" {
		name = w.prefixes.of[a.Space] + ":" + a.Local
	}
	return name + `="` + w.escape(a.Value, true) + `"`
}

var (
	textEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#xD;")
	attrEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\r", "&#xD;", "\n", "&#xA;", "\t", "&#x9;")
)

// escape escapes a value. If it contains a character that XML cannot express, the
// first such error is kept in w.err.
func (w *writer) escape(value string, attr bool) string {
	if i := strings.IndexFunc(value, noCharacter); (i >= 0 || !utf8.ValidString(value)) && w.err == nil {
		w.err = &task.Error{Op: "write the manifest", Err: task.ErrInvalid, Detail: fmt.Sprintf("%q contains a character that XML does not allow", show(value))}
	}
	if attr {
		return attrEscapes.Replace(value)
	}
	return textEscapes.Replace(value)
}

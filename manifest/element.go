package manifest

import "strings"

// Element is an element without a field in Manifest. It is kept unchanged, so
// that a manifest that was read can be written again.
type Element struct {
	Space, Local string // its namespace and name
	Attrs        []Attr
	Text         string // without surrounding white space if there are children
	Children     []Element
	Line         int
}

// Attr is an attribute without a field in its struct.
type Attr struct {
	Space, Local string
	Value        string
}

// Other holds the attributes and child elements of an element that have no field
// in its struct.
type Other struct {
	Attrs    []Attr
	Elements []Element
}

// Attr returns the value of an attribute without a namespace, or "".
func (e *Element) Attr(local string) string {
	for _, a := range e.Attrs {
		if a.Space == "" && a.Local == local {
			return a.Value
		}
	}
	return ""
}

// element converts a node to an Element.
func (n *node) element() Element {
	e := Element{Space: n.name.Space, Local: n.name.Local, Attrs: n.foreignAttrs(all), Text: string(n.text), Line: n.line}
	if trimmed := strings.TrimSpace(e.Text); trimmed == "" || len(n.children) > 0 {
		e.Text = trimmed
	}
	for _, c := range n.children {
		e.Children = append(e.Children, c.element())
	}
	return e
}

// other returns the attributes and elements of a node that were not read into a
// field.
func (n *node) other() Other {
	var o Other
	o.Attrs = n.foreignAttrs(func(a *attr) bool { return !a.taken })
	for _, c := range n.children {
		if !c.taken {
			o.Elements = append(o.Elements, c.element())
		}
	}
	return o
}

func all(*attr) bool { return true }

// foreignAttrs returns the attributes selected by keep. It omits namespace
// declarations, which Marshal generates.
func (n *node) foreignAttrs(keep func(*attr) bool) (list []Attr) {
	for i := range n.attrs {
		a := &n.attrs[i]
		if a.name.Space != "xmlns" && (a.name.Space != "" || a.name.Local != "xmlns") && keep(a) {
			list = append(list, Attr{a.name.Space, a.name.Local, a.value})
		}
	}
	return list
}

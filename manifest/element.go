package manifest

import "strings"

// Element is an element that has no field of its own in a Manifest. It is kept as
// it was, so that a manifest which was read can be written again.
type Element struct {
	Space, Local string // its namespace and name
	Attrs        []Attr
	Text         string // without the white space round it where there are children too
	Children     []Element
	Line         int
}

// Attr is an attribute that has no field of its own.
type Attr struct {
	Space, Local string
	Value        string
}

// Other is what an element holds beside what the fields of its struct say.
type Other struct {
	Attrs    []Attr
	Elements []Element
}

// Attr is the value of an attribute of no namespace, or "".
func (e *Element) Attr(local string) string {
	for _, a := range e.Attrs {
		if a.Space == "" && a.Local == local {
			return a.Value
		}
	}
	return ""
}

// element keeps a node as it is.
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

// other keeps what of a node was not taken into a field.
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

// foreignAttrs are the attributes that are kept; declarations of namespaces are
// made anew.
func (n *node) foreignAttrs(keep func(*attr) bool) (list []Attr) {
	for i := range n.attrs {
		a := &n.attrs[i]
		if a.name.Space != "xmlns" && (a.name.Space != "" || a.name.Local != "xmlns") && keep(a) {
			list = append(list, Attr{a.name.Space, a.name.Local, a.value})
		}
	}
	return list
}

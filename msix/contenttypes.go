package msix

import (
	"encoding/xml"
	"io"
	"path"
	"strings"
)

const typesSpace = "http://schemas.openxmlformats.org/package/2006/content-types"

// contentTypes is the content of the part [Content_Types].xml.
type contentTypes struct {
	defaults  map[string]string // by extension, in lower case and without the dot
	overrides map[string]string // by name in the archive, folded and with a leading slash
}

func readContentTypes(r io.Reader) (*contentTypes, error) {
	d := strictXML(r)
	if _, err := rootElement(d, contentTypesName, ErrContentTypes, xml.Name{Space: typesSpace, Local: "Types"}); err != nil {
		return nil, err
	}
	t := &contentTypes{defaults: make(map[string]string), overrides: make(map[string]string)}
	for {
		n, err := nextElement(d, contentTypesName, ErrContentTypes)
		if err != nil || n == nil {
			return t, err
		}
		into, key := t.overrides, fold(attribute(*n, "PartName"))
		if n.Name.Local == "Default" {
			into, key = t.defaults, strings.ToLower(attribute(*n, "Extension"))
		}
		value := attribute(*n, "ContentType")
		switch {
		case n.Name.Space != typesSpace || n.Name.Local != "Default" && n.Name.Local != "Override":
			return nil, fault(contentTypesName, ErrContentTypes, "has an unexpected element %s", show(n.Name.Local))
		case key == "" || value == "":
			return nil, fault(contentTypesName, ErrContentTypes, "has a type without a name or a value")
		case into[key] != "":
			return nil, fault(contentTypesName, ErrContentTypes, "has two types for %s", show(key))
		}
		into[key] = value
		if err := closeElement(d, contentTypesName, ErrContentTypes); err != nil {
			return nil, err
		}
	}
}

// of returns the type of a part, or "" if it has none.
func (t *contentTypes) of(raw string) string {
	if v := t.overrides[fold("/"+raw)]; v != "" {
		return v
	}
	return t.defaults[extensionOf(raw)]
}

func extensionOf(raw string) string {
	return strings.ToLower(strings.TrimPrefix(path.Ext(raw), "."))
}

package msix

import (
	"bytes"
	"encoding/xml"
	"maps"
	"slices"
)

const (
	typeManifest  = "application/vnd.ms-appx.manifest+xml"
	typeBlockMap  = "application/vnd.ms-appx.blockmap+xml"
	typeSignature = "application/vnd.ms-appx.signature"
	typeXML       = "application/xml"
	typeUnknown   = "application/octet-stream"
)

// typesByExtension are the types that Windows uses, and common ones.
var typesByExtension = map[string]string{
	"exe": "application/x-msdownload", "dll": "application/x-msdownload",
	"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "ico": "image/vnd.microsoft.icon",
	"svg": "image/svg+xml", "webp": "image/webp",
	"htm": "text/html", "html": "text/html", "css": "text/css", "js": "application/javascript", "json": "application/json",
	"txt": "text/plain", "md": "text/markdown", "toml": "application/toml",
	"zip": "application/x-zip-compressed", "gz": "application/x-gzip-compressed", "pdf": "application/pdf",
}

// writeTypes returns [Content_Types].xml for parts with these names in the
// archive, which include the manifest. It adds the block map and, if signed is
// set, the signature.
func writeTypes(names []string, signed bool) []byte {
	defaults, overrides := map[string]string{}, map[string]string{"/" + blockMapName: typeBlockMap}
	for _, raw := range names {
		switch extension := extensionOf(raw); {
		case raw == manifestName:
		case extension == "":
			overrides["/"+raw] = typeUnknown
		case extension == "xml":
			defaults["xml"] = typeXML
		case typesByExtension[extension] != "":
			defaults[extension] = typesByExtension[extension]
		default:
			defaults[extension] = typeUnknown
		}
	}
	if defaults["xml"] == "" {
		defaults["xml"] = typeManifest
	} else {
		overrides["/"+manifestName] = typeManifest
	}
	if signed {
		overrides["/"+signatureName] = typeSignature
	}
	return formatTypes(defaults, overrides)
}

func formatTypes(defaults, overrides map[string]string) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header + `<Types xmlns="` + typesSpace + `">`)
	list := func(element, key string, types map[string]string) {
		for _, name := range slices.Sorted(maps.Keys(types)) {
			b.WriteString("<" + element + " " + key + `="`)
			_ = xml.EscapeText(&b, []byte(name)) // a Buffer never fails
			b.WriteString(`" ContentType="`)
			_ = xml.EscapeText(&b, []byte(types[name]))
			b.WriteString(`"/>`)
		}
	}
	list("Default", "Extension", defaults)
	list("Override", "PartName", overrides)
	b.WriteString("</Types>")
	return b.Bytes()
}

package manifest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Namespaces of manifests.
const (
	NamespaceUAP    = "http://schemas.microsoft.com/appx/manifest/uap/windows10"
	NamespaceRescap = "http://schemas.microsoft.com/appx/manifest/foundation/windows10/restrictedcapabilities"

	// foundation is the namespace of Package, Identity and Application.
	foundation = "http://schemas.microsoft.com/appx/manifest/foundation/windows10"

	// comNamespace is the first com namespace; later ones add /2, /3, ...
	comNamespace = "http://schemas.microsoft.com/appx/manifest/com/windows10"

	rescap = NamespaceRescap
	xmlURI = "http://www.w3.org/XML/1998/namespace"
)

// comVersion returns the number of a com namespace, or 0 for any other namespace.
func comVersion(uri string) int {
	rest, ok := strings.CutPrefix(uri, comNamespace)
	switch {
	case !ok:
		return 0
	case rest == "":
		return 1
	case rest[0] != '/':
		return 0
	}
	n, err := strconv.Atoi(rest[1:])
	if err != nil || n < 2 || strconv.Itoa(n) != rest[1:] {
		return 0
	}
	return n
}

// comSpace returns the com namespace of a version; 0 means the first.
func comSpace(version int) string {
	if version < 2 {
		return comNamespace
	}
	return comNamespace + "/" + strconv.Itoa(version)
}

var (
	familySpace = regexp.MustCompile(`^http://schemas\.microsoft\.com/appx/manifest/([a-z]+)/windows10(?:/([0-9]{1,3}))?$`)
	capSpace    = regexp.MustCompile(`^` + regexp.QuoteMeta(foundation) + `/(restricted|windows)capabilities(?:/([0-9]{1,3}))?$`)
)

// usualPrefixes are the prefixes that do not follow from the URI.
var usualPrefixes = map[string]string{
	foundation: "f",
	"http://schemas.microsoft.com/appx/2014/phone/manifest":      "mp",
	"http://schemas.microsoft.com/developer/appx/2015/build":     "build",
	"http://schemas.microsoft.com/appx/developer/templatestudio": "genTemplate",
	"http://www.w3.org/2001/XMLSchema-instance":                  "xsi",
	xmlURI: "xml",
}

// usualPrefix returns the conventional prefix of a namespace, such as uap5, com
// or rescap, or "" if the namespace is unknown.
func usualPrefix(uri string) string {
	if p := usualPrefixes[uri]; p != "" {
		return p
	}
	if m := capSpace.FindStringSubmatch(uri); m != nil {
		return map[string]string{"restricted": "rescap", "windows": "wincap"}[m[1]] + m[2]
	}
	if m := familySpace.FindStringSubmatch(uri); m != nil && m[1] != "foundation" {
		return m[1] + m[2]
	}
	return ""
}

// prefixTable assigns one prefix to each namespace of a document.
type prefixTable struct {
	of    map[string]string // prefix by namespace
	taken map[string]bool
}

func newPrefixes() *prefixTable {
	return &prefixTable{of: map[string]string{}, taken: map[string]bool{"xml": true, "xmlns": true}}
}

// add assigns a prefix to a namespace if it has none yet.
func (p *prefixTable) add(uri string) {
	if _, known := p.of[uri]; known {
		return
	}
	prefix := usualPrefix(uri)
	for n := 1; prefix == "" || p.taken[prefix] && uri != xmlURI; n++ {
		prefix = fmt.Sprintf("ns%d", n)
	}
	p.of[uri], p.taken[prefix] = prefix, true
}

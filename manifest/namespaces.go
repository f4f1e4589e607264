package manifest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The namespaces that this package knows by heart.
const (
	NamespaceUAP    = "http://schemas.microsoft.com/appx/manifest/uap/windows10"
	NamespaceRescap = "http://schemas.microsoft.com/appx/manifest/foundation/windows10/restrictedcapabilities"

	// foundation is the namespace of Package, Identity, Application.
	foundation = "http://schemas.microsoft.com/appx/manifest/foundation/windows10"

	// comNamespace is the first of the com namespaces; the later ones add /2, /3, ...
	comNamespace = "http://schemas.microsoft.com/appx/manifest/com/windows10"

	rescap = NamespaceRescap
	xmlURI = "http://www.w3.org/XML/1998/namespace"
)

// comVersion is the number of a com namespace, 0 of any other.
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

// comSpace is the namespace of a version of com; 0 is the first.
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

// usualPrefixes are those that no rule gives.
var usualPrefixes = map[string]string{
	foundation: "f",
	"http://schemas.microsoft.com/appx/2014/phone/manifest":      "mp",
	"http://schemas.microsoft.com/developer/appx/2015/build":     "build",
	"http://schemas.microsoft.com/appx/developer/templatestudio": "genTemplate",
	"http://www.w3.org/2001/XMLSchema-instance":                  "xsi",
	xmlURI: "xml",
}

// usualPrefix is the prefix that everybody gives to a namespace, "" for one that
// is not known: uap5, com, rescap.
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

// prefixes gives each namespace of a document one prefix.
type prefixTable struct {
	of    map[string]string // by namespace
	taken map[string]bool
}

func newPrefixes() *prefixTable {
	return &prefixTable{of: map[string]string{}, taken: map[string]bool{"xml": true, "xmlns": true}}
}

// add gives a namespace its prefix, once.
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

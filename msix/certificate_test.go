package msix

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/bgtask/bgtask/manifest"
)

func TestNewCertificate(t *testing.T) {
	from := time.Now().Add(-time.Minute)
	for _, publisher := range []string{
		"CN=Contoso",
		"CN=Contoso Ltd, O=Contoso Ltd, L=Redmond, S=Washington, C=US",
		`CN="Contoso, Ltd.", C=US`,
		"CN=Größe, O=Ünïcode",
		"E=mail@contoso.example, CN=Contoso, DC=contoso, DC=example",
		"CN=Contoso, OID.1.3.6.1.4.1.311.60.2.1.3=US",
	} {
		c, err := NewCertificate(ecKey(), publisher, from, from.Add(time.Hour))
		if err != nil {
			t.Errorf("%s: %v", publisher, err)
			continue
		}
		if name, err := manifest.PublisherName(c.RawSubject); name != publisher || err != nil {
			t.Errorf("%s became %s: %v", publisher, name, err)
		}
		who := identity{ecKey(), c}
		xml := strings.Replace(testManifest, "CN=Contoso", strings.ReplaceAll(publisher, `"`, "&quot;"), 1)
		folder := fstest.MapFS{manifestName: {Data: []byte(xml)}}
		s, err := verified(packed(t, folder, Options{Signer: who.signer()}), Policy{Roots: who.roots()})
		if err != nil || s.Publisher != publisher {
			t.Errorf("%s: %v", publisher, err)
		}
	}
	for _, publisher := range []string{"", "Contoso", "CN=", "XX=Contoso", "CN = Contoso", "CN=Contoso,C=US", `CN="Contoso"`} {
		if _, err := NewCertificate(ecKey(), publisher, from, from.Add(time.Hour)); !errors.Is(err, ErrPublisher) {
			t.Errorf("%s: %v", publisher, err)
		}
	}
}

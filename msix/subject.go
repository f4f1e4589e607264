package msix

import (
	"crypto/x509"

	"github.com/bgtask/bgtask/manifest"
)

// subject is a certificate's subject as Windows spells it, and as the Publisher of
// a manifest has to be.
func subject(c *x509.Certificate) string {
	name, err := manifest.PublisherName(c.RawSubject)
	if err != nil {
		return c.Subject.String() // which is no publisher, and good enough for messages
	}
	return name
}

package msix

import (
	"crypto/x509"

	"github.com/bgtask/bgtask/manifest"
)

// subject returns a certificate's subject in Windows' spelling, which is also
// that of the Publisher in a manifest.
func subject(c *x509.Certificate) string {
	name, err := manifest.PublisherName(c.RawSubject)
	if err != nil {
		return c.Subject.String() // not a valid publisher, but good enough for messages
	}
	return name
}

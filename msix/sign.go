package msix

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/bgtask/bgtask/manifest"
)

// Signer signs packages.
type Signer struct {
	Key         crypto.Signer       // RSA of at least 2048 bits, or ECDSA
	Certificate *x509.Certificate   // the key's; its subject must be the Publisher in the manifest
	Chain       []*x509.Certificate // the certificates up to a root, which may be omitted

	// TimestampURL is the address of an RFC 3161 authority that confirms the time
	// of the signature over HTTP. Without it the package can be installed only
	// while the certificate is valid.
	TimestampURL string

	Client *http.Client     // for TimestampURL; nil means http.DefaultClient
	Now    func() time.Time // nil means time.Now
}

// check rejects a signer whose packages could not be installed.
func (s *Signer) check(publisher string) error {
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	if s.Key == nil || s.Certificate == nil {
		return &Error{Err: ErrKey, Detail: "the key or the certificate is missing"}
	}
	if err := s.checkKey(); err != nil {
		return err
	}
	if err := checkPurpose(s.Certificate); err != nil {
		return err
	}
	if t := now(); t.Before(s.Certificate.NotBefore) || t.After(s.Certificate.NotAfter) {
		return fault("", ErrValidity, "the certificate %s is valid only from %s to %s", subject(s.Certificate), day(s.Certificate.NotBefore), day(s.Certificate.NotAfter))
	}
	return checkPublisher(publisher, s.Certificate)
}

func (s *Signer) checkKey() error {
	type publicKey interface{ Equal(crypto.PublicKey) bool }
	switch key := s.Key.Public().(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < 2048 {
			return fault("", ErrKey, "the RSA key has %d bits; Windows requires at least 2048", key.N.BitLen())
		}
	case *ecdsa.PublicKey:
	default:
		return fault("", ErrKey, "the key is neither RSA nor ECDSA")
	}
	if own, ok := s.Key.Public().(publicKey); !ok || !own.Equal(s.Certificate.PublicKey) {
		return fault("", ErrKey, "the key does not belong to the certificate %s", subject(s.Certificate))
	}
	return nil
}

func (s *Signer) algorithm() pkix.AlgorithmIdentifier {
	if _, ok := s.Key.Public().(*ecdsa.PublicKey); ok {
		return pkix.AlgorithmIdentifier{Algorithm: append(slices.Clone(oidECDSAWith), 2)} // SHA-256
	}
	return pkix.AlgorithmIdentifier{Algorithm: oidRSA, Parameters: asn1.NullRawValue}
}

// checkPurpose checks that the certificate explicitly allows code signing, as
// Windows requires.
func checkPurpose(c *x509.Certificate) error {
	if slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageCodeSigning) {
		return nil
	}
	return &Error{Err: ErrPurpose, Detail: "the certificate " + subject(c) + " does not allow code signing (extended key usage)",
		Hint: "create a suitable one with 'bgtask package cert'"}
}

// checkPublisher compares the manifest's publisher with the certificate's subject
// character by character, as Windows does.
func checkPublisher(publisher string, c *x509.Certificate) error {
	name, err := manifest.PublisherName(c.RawSubject)
	if err != nil {
		return &Error{Err: ErrPublisher, Detail: err.Error(), Hint: "sign with a certificate that has a subject such as CN=Contoso, C=US"}
	}
	if name != publisher {
		return &Error{Part: manifestName, Err: ErrPublisher,
			Detail: fmt.Sprintf("the Publisher is %q, but the certificate's subject is %q", show(publisher), show(name)),
			Hint:   "they must be identical: change Identity/@Publisher, or sign with the publisher's certificate"}
	}
	return nil
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }

// close writes the signature, if s is not nil, and the end of the package. The
// digests are those of the small parts.
func (w *writer) close(ctx context.Context, s *Signer, d digests) error {
	if s != nil {
		if err := w.sign(ctx, s, d); err != nil {
			return err
		}
	}
	if _, err := w.Write(w.tail()); err != nil {
		return err
	}
	return w.out.Flush()
}

// sign appends the signature of everything written so far.
func (w *writer) sign(ctx context.Context, s *Signer, d digests) error {
	d[tagPackage] = w.sum.Sum(nil)
	d[tagDir] = sha256Of(w.tail())
	statement, err := d.statement()
	if err != nil {
		return err
	}
	der, err := s.sign(ctx, statement)
	if err != nil {
		return err
	}
	return w.small(signatureName, append(bytes.Clone(signatureMagic), der...), methodDeflated)
}

func sha256Of(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:]
}

var signatureMagic = []byte("PKCX")

// sign returns the signature of a statement, with a time stamp if TimestampURL is
// set.
func (s *Signer) sign(ctx context.Context, statement []byte) ([]byte, error) {
	individual, err := asn1.Marshal([]asn1.ObjectIdentifier{oidIndividual})
	if err != nil {
		return nil, err
	}
	more := []attributeSet{valueOf(oidStatementType, individual), valueOf(oidOpusInfo, []byte{0x30, 0})}
	return signCMS(s, oidIndirectData, statement, more, func(signature []byte) (*attributeSet, error) {
		if s.TimestampURL == "" {
			return nil, nil
		}
		token, err := s.timestamp(ctx, signature)
		if err != nil {
			return nil, err
		}
		a := valueOf(oidTimestamp, token)
		return &a, nil
	})
}

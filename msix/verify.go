package msix

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"hash"
	"io"
	"time"
)

// Policy determines which signatures are trusted.
type Policy struct {
	// Roots are the certificates that may issue signing certificates; a signer's
	// own certificate may be among them. Nil means the roots of the system.
	Roots *x509.CertPool

	// TimestampRoots are the authorities that may confirm the time of a
	// signature. Nil means Roots.
	TimestampRoots *x509.CertPool

	// Time is the time at which the certificate must be valid, unless a trusted
	// time stamp states when the package was signed. Zero means now.
	Time time.Time

	// AllowUnsigned makes Verify accept a package without a signature: it checks
	// the content and returns a nil Signature and no error.
	AllowUnsigned bool
}

// Signature describes who signed a package, and when, if that was confirmed.
type Signature struct {
	Publisher   string              // the certificate's subject in Windows' spelling
	Certificate *x509.Certificate   // the signer's
	Chain       []*x509.Certificate // from the signer's certificate to a root, both included
	Timestamp   *Timestamp          // nil if there is none
}

// Timestamp is an authority's confirmation that the signature existed at a
// certain time.
type Timestamp struct {
	Time      time.Time
	Authority string // the subject of its certificate
	Trusted   bool   // whether the policy trusts it; if not, Time is not used
}

// Verify checks every byte of the package against the block map and the
// signature, and the signature against the policy: the certificate must lead to
// one of the roots, allow code signing, have been valid when it signed, and be
// that of the publisher in the manifest.
//
// For a package without a signature the content is checked first; then the error
// is [ErrUnsigned]. Every check has its own sentinel error. The first check that
// fails is reported; the signature is checked before the content. If there is an
// error, the Signature is nil.
func (p *Reader) Verify(ctx context.Context, policy Policy) (*Signature, error) {
	if !p.Signed() {
		if err := p.verifyContent(ctx); err != nil {
			return nil, err
		}
		if policy.AllowUnsigned {
			return nil, nil
		}
		return nil, &Error{Err: ErrUnsigned, Detail: "the package is not signed", Hint: "sign it with 'bgtask package --cert', or allow unsigned packages"}
	}
	signature, err := p.verifySignature(ctx, policy)
	if err != nil {
		return nil, err
	}
	if err := p.verifyContent(ctx); err != nil {
		return nil, err
	}
	return signature, nil
}

// verifyContent checks all parts against the block map and their checksums, and
// that each has a content type.
func (p *Reader) verifyContent(ctx context.Context) error {
	u := p.unpacker(p.blockMap.hash)
	for _, part := range p.parts {
		if part.name != contentTypesName && p.types.of(part.raw) == "" {
			return fault(part.name, ErrContentTypes, "has no type in [Content_Types].xml")
		}
		var err error
		if inBlockMap(part.name) {
			err = u.unpack(ctx, part, p.blockMap.files[part.name], io.Discard)
		} else {
			err = p.copy(io.Discard, part)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *Reader) verifySignature(ctx context.Context, policy Policy) (*Signature, error) {
	c, stated, hash, err := p.readSignature()
	if err != nil {
		return nil, err
	}
	if err := p.verifyDigests(ctx, stated, hash); err != nil {
		return nil, err
	}
	signature := &Signature{Publisher: subject(c.certificate), Certificate: c.certificate}
	if signature.Timestamp, err = verifyTimestamp(c, policy); err != nil {
		return nil, err
	}
	if err := checkPurpose(c.certificate); err != nil {
		return nil, err
	}
	if signature.Chain, err = verifyChain(c, policy, signature.Timestamp); err != nil {
		return nil, err
	}
	m, err := p.Manifest()
	if err != nil {
		return nil, err
	}
	if err := checkPublisher(m.Identity.Publisher, c.certificate); err != nil {
		return nil, err
	}
	return signature, nil
}

// readSignature parses the signature and checks that it was made with its key.
func (p *Reader) readSignature() (*cms, digests, crypto.Hash, error) {
	bad := func(problem string) error { return fault(signatureName, ErrSignature, "the signature %s", problem) }
	data, err := p.whole(p.byName[signatureName], MaxSignature)
	if err != nil {
		return nil, nil, 0, err
	}
	der, ok := bytes.CutPrefix(data, signatureMagic)
	if !ok {
		return nil, nil, 0, bad("has no valid header")
	}
	c, problem := parseCMS(der)
	if problem != "" {
		return nil, nil, 0, bad(problem)
	}
	if !c.contentType.Equal(oidIndirectData) {
		return nil, nil, 0, bad("signs something other than a package")
	}
	if problem := c.verify(); problem != "" {
		return nil, nil, 0, bad(problem)
	}
	stated, hash, problem := parseStatement(c.content)
	if problem != "" {
		return nil, nil, 0, bad(problem)
	}
	if hash != p.blockMap.hash {
		return nil, nil, 0, bad("uses a different hash than the block map")
	}
	return c, stated, hash, nil
}

// digestWords describe what each digest covers.
var digestWords = map[string]string{
	tagPackage:  "a file of the package",
	tagDir:      "the directory of the package",
	tagTypes:    contentTypesName,
	tagBlockMap: blockMapName,
	tagCatalog:  catalogName,
}

// verifyDigests compares the signed digests with the package.
func (p *Reader) verifyDigests(ctx context.Context, stated digests, h crypto.Hash) error {
	found := digests{tagTypes: p.typeHash[h], tagBlockMap: p.mapHash[h]}
	if catalog := p.byName[catalogName]; catalog != nil {
		data, err := p.whole(catalog, MaxCatalog)
		if err != nil {
			return err
		}
		found[tagCatalog] = sumsOf(data)[h]
	}
	signature := p.byName[signatureName]
	whole := h.New()
	if _, err := io.Copy(whole, contextReader{ctx, io.NewSectionReader(p.ReaderAt, 0, signature.start)}); err != nil {
		return readError("", err)
	}
	found[tagPackage] = whole.Sum(nil)
	directory, err := p.directoryDigest(h.New())
	if err != nil {
		return err
	}
	found[tagDir] = directory
	for _, tag := range digestTags {
		if !bytes.Equal(stated[tag], found[tag]) {
			return fault("", ErrDigest, "%s was changed after the package was signed (digest %s)", digestWords[tag], tag)
		}
	}
	return nil
}

// directoryDigest hashes the directory and the end records as they would be
// without the signature part.
func (p *Reader) directoryDigest(w hash.Hash) ([]byte, error) {
	signature := p.parts[len(p.parts)-1]
	for _, part := range p.parts[:len(p.parts)-1] {
		w.Write(part.entry)
	}
	from := p.ends.offset + p.ends.size
	records, err := p.at(from, p.size-from, "")
	if err != nil {
		return nil, err
	}
	e := ends{p.ends.count - 1, p.ends.size - int64(len(signature.entry)), signature.start}
	w.Write(withoutSignature(records, e))
	return w.Sum(nil), nil
}

// withoutSignature replaces the numbers in end records. It keeps their form:
// fields that refer to the ZIP64 record stay that way.
func withoutSignature(records []byte, e ends) []byte {
	b := bytes.Clone(records)
	if len(b) > endLen { // with ZIP64 records
		le.PutUint64(b[24:], e.count)
		le.PutUint64(b[32:], e.count)
		le.PutUint64(b[40:], uint64(e.size))
		le.PutUint64(b[48:], uint64(e.offset))
		le.PutUint64(b[end64Len+8:], uint64(e.offset+e.size))
	}
	end := b[len(b)-endLen:]
	for _, at := range []int{8, 10} {
		if le.Uint16(end[at:]) != none16 {
			le.PutUint16(end[at:], uint16(e.count))
		}
	}
	for at, v := range map[int]int64{12: e.size, 16: e.offset} {
		if le.Uint32(end[at:]) != none32 {
			le.PutUint32(end[at:], uint32(v))
		}
	}
	return b
}

// verifyTimestamp reads the time stamp of the signature, or returns nil if there
// is none.
func verifyTimestamp(c *cms, policy Policy) (*Timestamp, error) {
	bad := func(problem string) error { return fault(signatureName, ErrTimestamp, "the time stamp %s", problem) }
	unsigned, problem := attributes(c.signer.Unsigned)
	if problem != "" {
		return nil, bad(problem)
	}
	for _, a := range unsigned {
		if !a.Type.Equal(oidTimestamp) {
			continue
		}
		if len(a.Values) != 1 {
			return nil, bad("appears more than once")
		}
		t, problem := readTimestamp(a.Values[0].FullBytes, c.signer.Signature)
		if problem != "" {
			return nil, bad(problem)
		}
		roots := policy.TimestampRoots
		if roots == nil {
			roots = policy.Roots
		}
		_, err := t.certificate.Verify(x509.VerifyOptions{Roots: roots, Intermediates: pool(t.certificates),
			CurrentTime: t.info.Time, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}})
		return &Timestamp{t.info.Time, subject(t.certificate), err == nil}, nil
	}
	return nil, nil
}

func pool(certificates []*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range certificates {
		p.AddCert(c)
	}
	return p
}

// verifyChain finds a chain from the signer's certificate to a root.
func verifyChain(c *cms, policy Policy, stamp *Timestamp) ([]*x509.Certificate, error) {
	at := policy.Time
	if at.IsZero() {
		at = time.Now()
	}
	if stamp != nil && stamp.Trusted {
		at = stamp.Time
	}
	chains, err := c.certificate.Verify(x509.VerifyOptions{Roots: policy.Roots, Intermediates: pool(c.certificates),
		CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}})
	if err == nil {
		return chains[0], nil
	}
	return nil, chainError(c.certificate, at, err)
}

func chainError(leaf *x509.Certificate, at time.Time, err error) error {
	name := subject(leaf)
	var invalid x509.CertificateInvalidError
	switch {
	case at.Before(leaf.NotBefore) || at.After(leaf.NotAfter):
		return &Error{Part: signatureName, Err: ErrValidity,
			Detail: "the certificate " + name + " is valid from " + day(leaf.NotBefore) + " to " + day(leaf.NotAfter) + ", but was checked for " + day(at),
			Hint:   "a package signed with a time stamp remains valid after its certificate expires"}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fault(signatureName, ErrValidity, "a certificate between %s and a root is not valid at %s", name, day(at))
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return fault(signatureName, ErrPurpose, "a certificate between %s and a root does not allow code signing", name)
	}
	return &Error{Part: signatureName, Err: ErrUntrusted, Detail: "the certificate " + name + " is not issued by a trusted authority: " + err.Error(),
		Hint: "if you trust it, run 'bgtask trust CERTIFICATE'"}
}

package msix

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
)

// The structures of PKCS #7 and CMS that Authenticode and time stamps use.
type (
	contentInfo struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue `asn1:"explicit,optional,tag:0"`
	}
	signedData struct {
		Version      int
		Hashes       []pkix.AlgorithmIdentifier `asn1:"set"`
		Content      contentInfo
		Certificates asn1.RawValue `asn1:"optional,tag:0"`
		Revoked      asn1.RawValue `asn1:"optional,tag:1"`
		Signers      []signerInfo  `asn1:"set"`
	}
	signerInfo struct {
		Version   int
		Issuer    issuerAndSerial
		Hash      pkix.AlgorithmIdentifier
		Signed    asn1.RawValue `asn1:"optional,tag:0"`
		Algorithm pkix.AlgorithmIdentifier
		Signature []byte
		Unsigned  asn1.RawValue `asn1:"optional,tag:1"`
	}
	issuerAndSerial struct {
		Issuer asn1.RawValue
		Serial *big.Int
	}
	attributeSet struct {
		Type   asn1.ObjectIdentifier
		Values []asn1.RawValue `asn1:"set"`
	}
)

var (
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidTSTInfo       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidRSA           = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidRSAPSS        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidECDSAWith     = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3}

	oidIndirectData  = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 1, 4}
	oidStatementType = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 1, 11}
	oidOpusInfo      = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 1, 12}
	oidIndividual    = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 1, 21}
	oidSipInfo       = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 1, 30}
	oidTimestamp     = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 3, 3, 1}
)

// hashOIDs are the hashes that a signature may use.
var hashOIDs = []struct {
	hash crypto.Hash
	oid  asn1.ObjectIdentifier
}{
	{crypto.SHA256, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}},
	{crypto.SHA384, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}},
	{crypto.SHA512, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}},
}

func hashOf(oid asn1.ObjectIdentifier) crypto.Hash {
	for _, h := range hashOIDs {
		if h.oid.Equal(oid) {
			return h.hash
		}
	}
	return 0
}

var sha256Algorithm = pkix.AlgorithmIdentifier{Algorithm: hashOIDs[0].oid, Parameters: asn1.NullRawValue}

// cms is a parsed SignedData.
type cms struct {
	content      []byte // value of the signed content, without its tag
	contentType  asn1.ObjectIdentifier
	certificates []*x509.Certificate
	signer       signerInfo
	certificate  *x509.Certificate // the signer's
	hash         crypto.Hash
}

// parseCMS parses a SignedData with one signer. It does not verify anything. The
// string is the reason for a failure, as the continuation of "the signature", or
// "".
func parseCMS(der []byte) (*cms, string) {
	var info contentInfo
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 || !info.Type.Equal(oidSignedData) {
		return nil, "is not PKCS #7 SignedData"
	}
	var data signedData
	if rest, err := asn1.Unmarshal(info.Content.Bytes, &data); err != nil || len(rest) > 0 {
		return nil, "contains SignedData that cannot be decoded"
	}
	if len(data.Signers) != 1 {
		return nil, "does not have exactly one signer"
	}
	var inner asn1.RawValue
	if rest, err := asn1.Unmarshal(data.Content.Content.Bytes, &inner); err != nil || len(rest) > 0 {
		return nil, "has no signed content"
	}
	c := &cms{content: inner.Bytes, contentType: data.Content.Type, signer: data.Signers[0]}
	if c.hash = hashOf(c.signer.Hash.Algorithm); c.hash == 0 {
		return nil, "uses a hash other than SHA-256, SHA-384 or SHA-512"
	}
	var err error
	if c.certificates, err = x509.ParseCertificates(data.Certificates.Bytes); err != nil {
		return nil, "contains a certificate that cannot be decoded: " + err.Error()
	}
	for _, certificate := range c.certificates {
		if bytes.Equal(certificate.RawIssuer, c.signer.Issuer.Issuer.FullBytes) && certificate.SerialNumber.Cmp(c.signer.Issuer.Serial) == 0 {
			c.certificate = certificate
		}
	}
	if c.certificate == nil {
		return nil, "does not contain its signer's certificate"
	}
	return c, ""
}

// verify verifies the signature over the content, but not the certificate. It
// returns the reason for a failure, or "".
func (c *cms) verify() string {
	signed, problem := attributes(c.signer.Signed)
	if problem != "" {
		return problem
	}
	var contentType asn1.ObjectIdentifier
	var digest []byte
	if !single(signed, oidContentType, &contentType) || !contentType.Equal(c.contentType) {
		return "does not match the type of its content"
	}
	h := c.hash.New()
	h.Write(c.content)
	if !single(signed, oidMessageDigest, &digest) || !bytes.Equal(digest, h.Sum(nil)) {
		return "does not match its content"
	}
	h.Reset()
	h.Write(asSet(c.signer.Signed))
	return verifySignature(c.certificate, c.signer.Algorithm.Algorithm, c.hash, h.Sum(nil), c.signer.Signature)
}

func verifySignature(by *x509.Certificate, algorithm asn1.ObjectIdentifier, hash crypto.Hash, digest, signature []byte) string {
	ok := false
	switch key := by.PublicKey.(type) {
	case *rsa.PublicKey:
		if algorithm.Equal(oidRSAPSS) {
			return "uses RSA-PSS, which is not supported"
		}
		ok = rsa.VerifyPKCS1v15(key, hash, digest, signature) == nil
	case *ecdsa.PublicKey:
		ok = ecdsa.VerifyASN1(key, digest, signature)
	default:
		return "was made with an unsupported kind of key; use RSA or ECDSA"
	}
	if !ok {
		return "was not made with the key of the certificate " + subject(by)
	}
	return ""
}

// attributes parses a set of attributes, each of which may appear only once.
func attributes(set asn1.RawValue) ([]attributeSet, string) {
	var all []attributeSet
	for rest := set.Bytes; len(rest) > 0; {
		var a attributeSet
		var err error
		if rest, err = asn1.Unmarshal(rest, &a); err != nil {
			return nil, "has attributes that cannot be decoded"
		}
		for _, other := range all {
			if other.Type.Equal(a.Type) {
				return nil, "has an attribute twice"
			}
		}
		all = append(all, a)
	}
	return all, ""
}

// single decodes the value of an attribute. It returns false if the attribute is
// missing or has several values.
func single(all []attributeSet, oid asn1.ObjectIdentifier, into any) bool {
	for _, a := range all {
		if a.Type.Equal(oid) && len(a.Values) == 1 {
			rest, err := asn1.Unmarshal(a.Values[0].FullBytes, into)
			return err == nil && len(rest) == 0
		}
	}
	return false
}

// asSet returns the field [0] with the tag SET, the form that is hashed.
func asSet(field asn1.RawValue) []byte {
	b := bytes.Clone(field.FullBytes)
	if len(b) > 0 {
		b[0] = 0x31
	}
	return b
}

// signCMS creates a SignedData. Content is the DER of its content. Stamp returns
// the unsigned attribute for a signature, or nil.
func signCMS(s *Signer, contentType asn1.ObjectIdentifier, content []byte, more []attributeSet, stamp func(signature []byte) (*attributeSet, error)) ([]byte, error) {
	var inner asn1.RawValue
	if _, err := asn1.Unmarshal(content, &inner); err != nil {
		return nil, err
	}
	h := crypto.SHA256.New()
	h.Write(inner.Bytes)
	signed, err := signedAttributes(contentType, h.Sum(nil), more)
	if err != nil {
		return nil, err
	}
	h.Reset()
	h.Write(asSet(signed))
	signature, err := s.Key.Sign(rand.Reader, h.Sum(nil), crypto.SHA256)
	if err != nil {
		return nil, &Error{Err: ErrKey, Detail: "signing with the key failed: " + err.Error()}
	}
	info := signerInfo{
		Version:   1,
		Issuer:    issuerAndSerial{asn1.RawValue{FullBytes: s.Certificate.RawIssuer}, s.Certificate.SerialNumber},
		Hash:      sha256Algorithm,
		Signed:    signed,
		Algorithm: s.algorithm(),
		Signature: signature,
	}
	if a, err := stamp(signature); err != nil {
		return nil, err
	} else if a != nil {
		if info.Unsigned, err = implicitSet(1, []attributeSet{*a}); err != nil {
			return nil, err
		}
	}
	var certificates []byte
	for _, c := range append([]*x509.Certificate{s.Certificate}, s.Chain...) {
		certificates = append(certificates, c.Raw...)
	}
	data, err := asn1.Marshal(signedData{
		Version:      1,
		Hashes:       []pkix.AlgorithmIdentifier{sha256Algorithm},
		Content:      contentInfo{contentType, explicit(content)},
		Certificates: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: certificates},
		Signers:      []signerInfo{info},
	})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(contentInfo{oidSignedData, explicit(data)})
}

// explicit wraps a value in an explicit tag [0].
func explicit(der []byte) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: der}
}

func signedAttributes(contentType asn1.ObjectIdentifier, digest []byte, more []attributeSet) (asn1.RawValue, error) {
	kind, err := asn1.Marshal(contentType)
	if err != nil {
		return asn1.RawValue{}, err
	}
	sum, err := asn1.Marshal(digest)
	if err != nil {
		return asn1.RawValue{}, err
	}
	return implicitSet(0, append([]attributeSet{valueOf(oidContentType, kind), valueOf(oidMessageDigest, sum)}, more...))
}

func valueOf(oid asn1.ObjectIdentifier, der []byte) attributeSet {
	return attributeSet{oid, []asn1.RawValue{{FullBytes: der}}}
}

// implicitSet returns a SET in DER order with the implicit tag [tag].
func implicitSet(tag int, all []attributeSet) (asn1.RawValue, error) {
	der, err := asn1.MarshalWithParams(all, "set")
	if err != nil {
		return asn1.RawValue{}, err
	}
	var set asn1.RawValue
	if _, err := asn1.Unmarshal(der, &set); err != nil {
		return asn1.RawValue{}, err
	}
	field := asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, IsCompound: true, Bytes: set.Bytes}
	field.FullBytes, err = asn1.Marshal(field)
	return field, err
}

package msix

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/bgtask/bgtask/manifest"
)

// NewCertificate creates a self-signed certificate for signing packages during
// development. Each machine that installs such a package must be configured to
// trust the certificate. The publisher, spelled as in a manifest, becomes the
// subject.
func NewCertificate(key crypto.Signer, publisher string, from, to time.Time) (*x509.Certificate, error) {
	name, err := rawSubject(publisher)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)),
		RawSubject:   name,
		NotBefore:    from,
		NotAfter:     to,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},

		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// rawSubject is the inverse of manifest.PublisherName.
func rawSubject(publisher string) ([]byte, error) {
	bad := func(format string, args ...any) ([]byte, error) {
		return nil, &Error{Err: ErrPublisher, Detail: fmt.Sprintf("%q cannot be the subject of a certificate: ", show(publisher)) + fmt.Sprintf(format, args...),
			Hint: "use a publisher such as CN=Contoso, C=US"}
	}
	if problem := manifest.Problem(manifest.RulePublisher, publisher); problem != "" {
		return bad("it %s", problem)
	}
	var name pkix.RDNSequence
	for rest := publisher; rest != ""; {
		var key, value string
		if key, value, rest = cutPart(rest); key == "" {
			return bad("it has a part without a name")
		}
		oid, ok := oidOf(key)
		if !ok {
			return bad("%s is not a known attribute name", key)
		}
		part := pkix.AttributeTypeAndValue{Type: oid, Value: value}
		if key == "E" || key == "DC" {
			part.Value = asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte(value)}
		}
		name = append(pkix.RDNSequence{{part}}, name...) // the most specific part is last in a certificate
	}
	der, err := asn1.Marshal(name)
	if err != nil {
		return bad("%v", err)
	}
	if spelled, err := manifest.PublisherName(der); err != nil || spelled != publisher {
		return bad("Windows would spell it %q", show(spelled))
	}
	return der, nil
}

// cutPart cuts the first part of a name, KEY=value or KEY="value".
func cutPart(name string) (key, value, rest string) {
	key, rest, _ = strings.Cut(name, "=")
	if quoted, ok := strings.CutPrefix(rest, `"`); ok {
		value, rest, _ = strings.Cut(quoted, `"`)
		return key, value, strings.TrimPrefix(rest, ", ")
	}
	value, rest, _ = strings.Cut(rest, ", ")
	return key, value, rest
}

// oidOf returns the identifier of an attribute with its Windows name, or with a
// name such as "OID.1.2.3".
func oidOf(key string) (asn1.ObjectIdentifier, bool) {
	if oid, ok := subjectOIDs[key]; ok {
		return oid, true
	}
	digits, ok := strings.CutPrefix(key, "OID.")
	if !ok {
		return nil, false
	}
	var oid asn1.ObjectIdentifier
	for arc := range strings.SplitSeq(digits, ".") {
		n, ok := new(big.Int).SetString(arc, 10)
		if !ok || !n.IsInt64() || n.Int64() > 1<<31-1 {
			return nil, false
		}
		oid = append(oid, int(n.Int64()))
	}
	return oid, len(oid) > 1
}

var subjectOIDs = map[string]asn1.ObjectIdentifier{
	"CN": {2, 5, 4, 3}, "SN": {2, 5, 4, 4}, "SERIALNUMBER": {2, 5, 4, 5}, "C": {2, 5, 4, 6}, "L": {2, 5, 4, 7}, "S": {2, 5, 4, 8},
	"STREET": {2, 5, 4, 9}, "O": {2, 5, 4, 10}, "OU": {2, 5, 4, 11}, "T": {2, 5, 4, 12}, "Description": {2, 5, 4, 13},
	"PostalCode": {2, 5, 4, 17}, "POBox": {2, 5, 4, 18}, "Phone": {2, 5, 4, 20}, "X21Address": {2, 5, 4, 24},
	"G": {2, 5, 4, 42}, "I": {2, 5, 4, 43}, "dnQualifier": {2, 5, 4, 46},
	"DC": {0, 9, 2342, 19200300, 100, 1, 25}, "E": {1, 2, 840, 113549, 1, 9, 1},
}

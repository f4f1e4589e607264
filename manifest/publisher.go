package manifest

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/bgtask/bgtask/task"
)

// PublisherName formats the subject of a certificate as Windows does and
// Identity/@Publisher requires: most specific part first, the reverse of the
// order in the certificate, as in "CN=Contoso Ltd, O=Contoso Ltd, S=Washington,
// C=US". Its argument is the DER of the name, Certificate.RawSubject in
// crypto/x509. The String method of pkix.Name uses other names and another order.
//
// It returns an error for a subject that no manifest can express: one that is
// empty, has several values in one part, or has a quotation mark or an empty
// string as a value.
func PublisherName(rawSubject []byte) (string, error) {
	name, err := publisherName(rawSubject)
	if err != nil {
		return "", &task.Error{Op: "read the subject of the certificate", Err: task.ErrInvalid, Detail: err.Error(),
			Hint: "use a certificate with a subject like CN=Contoso, C=US"}
	}
	return name, nil
}

// rdnSET is one part of a name. The suffix SET of its type name makes
// encoding/asn1 decode it as a SET.
type rdnSET []attributeValue

type attributeValue struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

func publisherName(der []byte) (string, error) {
	var name []rdnSET
	rest, err := asn1.Unmarshal(der, &name)
	switch {
	case err != nil:
		return "", fmt.Errorf("it is not a distinguished name: %w", err)
	case len(rest) > 0:
		return "", errors.New("there is extra data after the name")
	case len(name) == 0:
		return "", errors.New("the name is empty")
	}
	var parts []string
	for _, rdn := range slices.Backward(name) {
		if len(rdn) != 1 {
			return "", fmt.Errorf("a part of the name has %d values; a manifest allows only one", len(rdn))
		}
		part, err := publisherPart(rdn[0])
		if err != nil {
			return "", err
		}
		parts = append(parts, part)
	}
	publisher := strings.Join(parts, ", ")
	if problem := publisherRule(publisher); problem != "" {
		return "", fmt.Errorf("%s %s", show(publisher), problem)
	}
	return publisher, nil
}

func publisherPart(a attributeValue) (string, error) {
	oid := a.Type.String()
	key, ok := publisherKeys[oid]
	if !ok {
		key = "OID." + oid
	}
	text, err := directoryString(a.Value)
	if err != nil {
		return "", fmt.Errorf("%s: %w", key, err)
	}
	switch {
	case text == "":
		return "", fmt.Errorf("%s is empty", key)
	case strings.Contains(text, `"`):
		return "", fmt.Errorf("%s=%s contains a quotation mark, which a manifest cannot express", key, show(text))
	case strings.ContainsAny(text, ",+=<>#;\n") || strings.TrimSpace(text) != text:
		text = `"` + text + `"`
	}
	return key + "=" + text, nil
}

// publisherKeys are the names that Windows uses for the attributes.
var publisherKeys = map[string]string{
	"2.5.4.3":                    "CN",
	"2.5.4.4":                    "SN",
	"2.5.4.5":                    "SERIALNUMBER",
	"2.5.4.6":                    "C",
	"2.5.4.7":                    "L",
	"2.5.4.8":                    "S",
	"2.5.4.9":                    "STREET",
	"2.5.4.10":                   "O",
	"2.5.4.11":                   "OU",
	"2.5.4.12":                   "T",
	"2.5.4.13":                   "Description",
	"2.5.4.17":                   "PostalCode",
	"2.5.4.18":                   "POBox",
	"2.5.4.20":                   "Phone",
	"2.5.4.24":                   "X21Address",
	"2.5.4.42":                   "G",
	"2.5.4.43":                   "I",
	"2.5.4.46":                   "dnQualifier",
	"0.9.2342.19200300.100.1.25": "DC",
	"1.2.840.113549.1.9.1":       "E",
}

// directoryString decodes the string types that occur in names.
func directoryString(v asn1.RawValue) (string, error) {
	if v.Class != asn1.ClassUniversal || v.IsCompound {
		return "", errors.New("its value is not a string")
	}
	switch v.Tag {
	case asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagIA5String, asn1.TagNumericString:
		if !utf8.Valid(v.Bytes) {
			return "", errors.New("its value is not UTF-8")
		}
		return string(v.Bytes), nil
	case asn1.TagT61String: // in practice Latin-1, as Windows decodes it too
		runes := make([]rune, len(v.Bytes))
		for i, b := range v.Bytes {
			runes[i] = rune(b)
		}
		return string(runes), nil
	case asn1.TagBMPString:
		if len(v.Bytes)%2 != 0 {
			return "", errors.New("its value ends within a character")
		}
		units := make([]uint16, len(v.Bytes)/2)
		for i := range units {
			units[i] = uint16(v.Bytes[2*i])<<8 | uint16(v.Bytes[2*i+1])
		}
		return string(utf16.Decode(units)), nil
	}
	return "", fmt.Errorf("its value is not a string (ASN.1 tag %d)", v.Tag)
}

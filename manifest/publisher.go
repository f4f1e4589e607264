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

// PublisherName spells the subject of a certificate as Windows does and as
// Identity/@Publisher has to have it: most specific first, which is the reverse of
// the order in the certificate, "CN=Contoso Ltd, O=Contoso Ltd, S=Washington,
// C=US". It takes the DER of the name, Certificate.RawSubject of crypto/x509; the
// String of pkix.Name has other names and another order.
//
// A subject that no manifest can spell is refused: one without a value, with
// several values in one part, or with a quotation mark in one.
func PublisherName(rawSubject []byte) (string, error) {
	name, err := publisherName(rawSubject)
	if err != nil {
		return "", &task.Error{Op: "read the subject of the certificate", Err: task.ErrInvalid, Detail: err.Error(),
			Hint: "take a certificate whose subject is like CN=Contoso, C=US"}
	}
	return name, nil
}

// rdnSET is one part of a name; the decoder knows by the name's end that it is a
// SET.
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
		return "", fmt.Errorf("it is no distinguished name: %w", err)
	case len(rest) > 0:
		return "", errors.New("there are bytes behind it")
	case len(name) == 0:
		return "", errors.New("it is empty")
	}
	var parts []string
	for _, rdn := range slices.Backward(name) {
		if len(rdn) != 1 {
			return "", fmt.Errorf("a part of it has %d values; a manifest has one in each", len(rdn))
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
		return "", fmt.Errorf("%s=%s holds a quotation mark; a manifest can not", key, show(text))
	case strings.ContainsAny(text, ",+=<>#;\n") || strings.TrimSpace(text) != text:
		text = `"` + text + `"`
	}
	return key + "=" + text, nil
}

// publisherKeys are Windows' names of the attributes.
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

// directoryString reads the kinds of strings that names are made of.
func directoryString(v asn1.RawValue) (string, error) {
	if v.Class != asn1.ClassUniversal || v.IsCompound {
		return "", errors.New("its value is no string")
	}
	switch v.Tag {
	case asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagIA5String, asn1.TagNumericString:
		if !utf8.Valid(v.Bytes) {
			return "", errors.New("its value is not UTF-8")
		}
		return string(v.Bytes), nil
	case asn1.TagT61String: // in practice Latin-1, which Windows takes it for
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
	return "", fmt.Errorf("its value is no string (ASN.1 tag %d)", v.Tag)
}

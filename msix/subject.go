package msix

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"strings"
)

// TODO stand-in until package manifest has it.
var rdnNames = map[string]string{
	"2.5.4.3": "CN", "2.5.4.7": "L", "2.5.4.10": "O", "2.5.4.11": "OU", "1.2.840.113549.1.9.1": "E", "2.5.4.6": "C", "2.5.4.8": "S",
	"2.5.4.9": "STREET", "2.5.4.12": "T", "2.5.4.42": "G", "2.5.4.43": "I", "2.5.4.4": "SN", "0.9.2342.19200300.100.1.25": "DC", "2.5.4.5": "SERIALNUMBER",
	"2.5.4.13": "Description", "2.5.4.17": "PostalCode", "2.5.4.18": "POBox", "2.5.4.20": "Phone", "2.5.4.24": "X21Address", "2.5.4.46": "dnQualifier",
}

func subject(c *x509.Certificate) string {
	var rdns pkix.RDNSequence
	if _, err := asn1.Unmarshal(c.RawSubject, &rdns); err != nil {
		return c.Subject.String()
	}
	var parts []string
	for i := len(rdns) - 1; i >= 0; i-- {
		for _, a := range rdns[i] {
			name := rdnNames[a.Type.String()]
			if name == "" {
				name = "OID." + a.Type.String()
			}
			v := fmt.Sprint(a.Value)
			if strings.ContainsAny(v, ",+=\"<>#;\n") || strings.TrimSpace(v) != v {
				v = `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
			}
			parts = append(parts, name+"="+v)
		}
	}
	return strings.Join(parts, ", ")
}

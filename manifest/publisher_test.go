package manifest

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bgtask/bgtask/internal/needs"
	"github.com/bgtask/bgtask/task"
)

// part returns one part of a name, with one attribute.
func part(t *testing.T, oid asn1.ObjectIdentifier, tag int, value string) []byte {
	t.Helper()
	der, err := asn1.Marshal(rdnSET{{oid, asn1.RawValue{Tag: tag, Bytes: []byte(value)}}})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func sequence(t *testing.T, parts ...[]byte) []byte {
	t.Helper()
	all := make([]asn1.RawValue, len(parts))
	for i, p := range parts {
		all[i] = asn1.RawValue{FullBytes: p}
	}
	der, err := asn1.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

var (
	commonName = asn1.ObjectIdentifier{2, 5, 4, 3}
	state      = asn1.ObjectIdentifier{2, 5, 4, 8}
	country    = asn1.ObjectIdentifier{2, 5, 4, 6}
	email      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}
	unknown    = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}
)

func TestPublisherName(t *testing.T) {
	for _, c := range []struct {
		want  string
		parts [][]byte // in certificate order
	}{
		{"CN=Contoso", [][]byte{part(t, commonName, asn1.TagUTF8String, "Contoso")}},
		{"CN=Contoso, S=Washington, C=US", [][]byte{
			part(t, country, asn1.TagPrintableString, "US"), part(t, state, asn1.TagPrintableString, "Washington"), part(t, commonName, asn1.TagPrintableString, "Contoso"),
		}},
		{"E=a@b.example, OID.1.3.6.1.4.1.99999.1=x", [][]byte{part(t, unknown, asn1.TagUTF8String, "x"), part(t, email, asn1.TagIA5String, "a@b.example")}},
		{`CN="Contoso, Ltd."`, [][]byte{part(t, commonName, asn1.TagUTF8String, "Contoso, Ltd.")}},
		{`CN="a+b"`, [][]byte{part(t, commonName, asn1.TagUTF8String, "a+b")}},
		{`CN=" a"`, [][]byte{part(t, commonName, asn1.TagUTF8String, " a")}},
		{"CN=Müller", [][]byte{part(t, commonName, asn1.TagT61String, "M\xfcller")}},
		{"CN=Ω", [][]byte{part(t, commonName, asn1.TagBMPString, "\x03\xa9")}},
	} {
		got, err := PublisherName(sequence(t, c.parts...))
		if err != nil || got != c.want {
			t.Errorf("PublisherName: %q, %v; want %q", got, err, c.want)
		}
	}
}

func TestPublisherNameRefused(t *testing.T) {
	two, err := asn1.Marshal(rdnSET{
		{commonName, asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte("a")}},
		{country, asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte("US")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		der  []byte
		want string
	}{
		{[]byte("x"), "it is not a distinguished name: "},
		{sequence(t), "the name is empty"},
		{append(sequence(t, part(t, commonName, asn1.TagUTF8String, "a")), 0), "there is extra data after the name"},
		{sequence(t, two), "a part of the name has 2 values; a manifest allows only one"},
		{sequence(t, part(t, commonName, asn1.TagUTF8String, "")), "CN is empty"},
		{sequence(t, part(t, commonName, asn1.TagUTF8String, `a "b"`)), `CN=a "b" contains a quotation mark, which a manifest cannot express`},
		{sequence(t, part(t, commonName, asn1.TagUTF8String, "\xff")), "CN: its value is not UTF-8"},
		{sequence(t, part(t, commonName, asn1.TagBMPString, "\x03")), "CN: its value ends within a character"},
		{sequence(t, part(t, commonName, asn1.TagInteger, "\x03")), "CN: its value is not a string (ASN.1 tag 2)"},
	} {
		_, err := PublisherName(c.der)
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, task.ErrInvalid) || task.Hint(err) == "" {
			t.Errorf("PublisherName: %v; want %s", err, c.want)
		}
	}
}

// The certificate is made by openssl, so its order and spelling do not come from
// this package.
func TestPublisherNameOfCertificate(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		needs.Missing(t, "openssl", needs.Package("openssl"))
	}
	dir := t.TempDir()
	cert := filepath.Join(dir, "cert.pem")
	out, err := exec.CommandContext(t.Context(), "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
		"-keyout", filepath.Join(dir, "key.pem"), "-out", cert, "-utf8",
		"-subj", "/C=US/ST=Washington/L=Redmond/O=Contoso, Ltd./OU=Ä/CN=Contoso/emailAddress=a@contoso.example").CombinedOutput()
	if err != nil {
		t.Fatalf("openssl: %v\n%s", err, out)
	}
	data, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	want := `E=a@contoso.example, CN=Contoso, OU=Ä, O="Contoso, Ltd.", L=Redmond, S=Washington, C=US`
	if got, err := PublisherName(parsed.RawSubject); err != nil || got != want {
		t.Errorf("PublisherName: %q, %v; want %q", got, err, want)
	}
}

func FuzzPublisherName(f *testing.F) {
	f.Add([]byte("0\x120\x101\x0e0\x0c\x06\x03U\x04\x03\x0c\x05a, bc"))
	f.Add([]byte("0\x00"))
	f.Fuzz(func(t *testing.T, der []byte) {
		name, err := PublisherName(der)
		if err == nil && publisherRule(name) != "" {
			t.Errorf("%q is not valid in a manifest", name)
		}
	})
}

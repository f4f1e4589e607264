package msix

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

func TestKeysInPEM(t *testing.T) {
	who := contoso(t)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: who.certificate.Raw})
	pkcs8, err := x509.MarshalPKCS8PrivateKey(who.key)
	if err != nil {
		t.Fatal(err)
	}
	key := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	good := key("PRIVATE KEY", pkcs8)
	for name, c := range map[string]struct {
		certificates, key []byte
		want              error
	}{
		"PKCS #8":          {certificate, good, nil},
		"PKCS #1":          {certificate, key("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(who.key.(*rsa.PrivateKey))), nil},
		"one file":         {append(good, certificate...), append(good, certificate...), nil},
		"no certificate":   {good, good, ErrKey},
		"no key":           {certificate, certificate, ErrKey},
		"encrypted":        {certificate, key("ENCRYPTED PRIVATE KEY", pkcs8), ErrKey},
		"another's key":    {certificate, key("PRIVATE KEY", otherPKCS8(t)), ErrKey},
		"garbage":          {certificate, key("PRIVATE KEY", []byte("x")), ErrKey},
		"no PEM at all":    {[]byte("x"), []byte("y"), ErrKey},
		"bad certificate":  {key("CERTIFICATE", []byte("x")), good, ErrKey},
		"key that is weak": {nil, nil, ErrKey},
	} {
		t.Run(name, func(t *testing.T) {
			if c.key == nil {
				c.certificates, c.key = weak(t)
			}
			s, err := LoadPEM(c.certificates, c.key)
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if err == nil && !s.Certificate.Equal(who.certificate) {
				t.Error("another certificate was read")
			}
		})
	}
}

func otherPKCS8(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func weak(t *testing.T) (certificate, key []byte) {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	who := issue(t, k, nil, nil)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: who.certificate.Raw}),
		pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(k)})
}

func TestKeysInPFX(t *testing.T) {
	root := issue(t, ecKey(), nil, func(c *x509.Certificate) { c.IsCA = true; c.KeyUsage = x509.KeyUsageCertSign })
	who := issue(t, newKey(t), &root, nil)
	for name, encoder := range map[string]*pkcs12.Encoder{"modern": pkcs12.Modern, "legacy": pkcs12.LegacyDES} {
		data, err := encoder.Encode(who.key, who.certificate, []*x509.Certificate{root.certificate}, "secret")
		if err != nil {
			t.Fatal(err)
		}
		s, err := LoadPFX(data, "secret")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !s.Certificate.Equal(who.certificate) || len(s.Chain) != 1 {
			t.Errorf("%s: other certificates were read", name)
		}
		if _, err := verified(packed(t, testFolder(), Options{Signer: s}), Policy{Roots: root.roots()}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := LoadPFX(data, "wrong"); !errors.Is(err, ErrKey) {
			t.Errorf("%s: a wrong password: %v", name, err)
		}
	}
	if _, err := LoadPFX([]byte("x"), ""); !errors.Is(err, ErrKey) {
		t.Errorf("garbage: %v", err)
	}
}

// Keys and certificates made by openssl can be loaded.
func TestKeysOfOpenssl(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	run := func(args ...string) {
		if out, err := judge(t, "openssl", args...); err != nil {
			t.Fatalf("openssl %v: %v\n%s", args, err, out)
		}
	}
	run("req", "-x509", "-newkey", "rsa:2048", "-sha256", "-days", "2", "-nodes", "-keyout", in("key.pem"), "-out", in("cert.pem"),
		"-subj", "/CN=Contoso", "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=codeSigning")
	run("pkcs12", "-export", "-inkey", in("key.pem"), "-in", in("cert.pem"), "-out", in("key.pfx"), "-passout", "pass:secret")
	data, err := os.ReadFile(in("key.pfx"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := LoadPFX(data, "secret")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verified(packed(t, testFolder(), Options{Signer: s}), Policy{Roots: pool([]*x509.Certificate{s.Certificate}), Time: time.Now()}); err != nil {
		t.Error(err)
	}
}

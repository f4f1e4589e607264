package msix

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const authorityConfig = `
[tsa]
default_tsa = ours
[ours]
serial = serial
crypto_device = builtin
default_policy = 1.2.3.4
digests = sha256, sha384, sha512
signer_digest = sha256
accuracy = secs:1, millisecs:500
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
`

// authority is a local time stamp authority, implemented with openssl.
type authority struct {
	*httptest.Server
	identity
	queries int
	answer  func(reply []byte) []byte // changes the reply
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	openssl := tool(t, "openssl")
	usage, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{answer: func(b []byte) []byte { return b }}
	a.identity = issue(t, ecKey(), nil, func(c *x509.Certificate) {
		c.Subject, c.ExtKeyUsage = pkix.Name{CommonName: "Clock"}, nil
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}}
	})
	dir := t.TempDir()
	key, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"tsa.cnf":  []byte(authorityConfig),
		"key.pem":  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		"cert.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw}),
		"serial":   []byte("01\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.queries++
		query, err := io.ReadAll(r.Body)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "query"), query, 0o600)
		}
		if err != nil || r.Header.Get("Content-Type") != "application/timestamp-query" {
			t.Errorf("%s: %v", r.Header.Get("Content-Type"), err)
		}
		cmd := exec.CommandContext(r.Context(), openssl, "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-signer", "cert.pem", "-inkey", "key.pem", "-out", "reply")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("openssl ts: %v\n%s", err, out)
		}
		reply, err := os.ReadFile(filepath.Join(dir, "reply"))
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/timestamp-reply")
		_, _ = w.Write(a.answer(reply)) // the client reports what it misses
	}))
	t.Cleanup(a.Close)
	return a
}

func TestTimestamp(t *testing.T) {
	clock := newAuthority(t)
	who := issue(t, rsaKey(), nil, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(time.Hour) })
	signer := who.signer()
	signer.TimestampURL = clock.URL
	b := packed(t, testFolder(), Options{Signer: signer})
	if clock.queries != 1 {
		t.Errorf("%d queries", clock.queries)
	}
	later := time.Now().Add(24 * 365 * time.Hour)
	trusting := Policy{Roots: who.roots(), TimestampRoots: clock.roots(), Time: later}
	s, err := verified(b, trusting)
	if err != nil {
		t.Fatalf("a year later: %v", err)
	}
	if s.Timestamp == nil || !s.Timestamp.Trusted || s.Timestamp.Authority != "CN=Clock" || time.Since(s.Timestamp.Time).Abs() > time.Hour {
		t.Errorf("%+v", s.Timestamp)
	}
	if _, err := verified(b, Policy{Roots: who.roots(), Time: later}); !errors.Is(err, ErrValidity) {
		t.Errorf("a year later, without trust in the clock: %v", err)
	}
	if s, err := verified(b, Policy{Roots: who.roots()}); err != nil || s.Timestamp.Trusted {
		t.Errorf("now, without trust in the clock: %v", err)
	}
	file := written(t, "stamped.msix", b)
	out, err := osslsigncode(t, "verify", "-CAfile", certificateFile(t, who), "-TSA-CAfile", certificateFile(t, clock.identity), "-in", file)
	if err != nil || !strings.Contains(out, "Timestamp Server Signature verification: ok") {
		t.Errorf("osslsigncode: %v\n%s", err, out)
	}
	f := forge(t, b)
	p := opened(t, b)
	signature, err := p.whole(p.byName[signatureName], MaxSignature)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := parseCMS(signature[len(signatureMagic):])
	unsigned, _ := attributes(c.signer.Unsigned)
	if _, problem := readTimestamp(unsigned[0].Values[0].FullBytes, []byte("another")); problem != "is a time stamp for another signature" {
		t.Errorf("the time stamp of another signature: %s", problem)
	}
	signature[len(signature)-1] ^= 1 // a byte of the token's signature
	f.find(signatureName).fill(signature)
	if _, err := verified(f.bytes(), trusting); !errors.Is(err, ErrTimestamp) {
		t.Errorf("a changed time stamp: %v", err)
	}
}

func TestTimestampsThatAreNotTaken(t *testing.T) {
	clock := newAuthority(t)
	var first []byte
	for name, answer := range map[string]func([]byte) []byte{
		"nothing":  func([]byte) []byte { return nil },
		"garbage":  func([]byte) []byte { return []byte("<html>") },
		"refusal":  func([]byte) []byte { return []byte{0x30, 5, 0x30, 3, 2, 1, 2} },
		"too long": func([]byte) []byte { return make([]byte, maxTimestamp+1) },
		"changed":  func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"replayed": func(b []byte) []byte {
			if first == nil {
				first = b
			}
			return first
		},
	} {
		t.Run(name, func(t *testing.T) {
			signer := contoso(t).signer()
			signer.TimestampURL = clock.URL
			if name == "replayed" { // of another signature
				clock.answer = answer
				packed(t, testFolder(), Options{Signer: signer})
				signer.Key = rsaKey()
				signer.Certificate = contoso(t).certificate
			}
			clock.answer = answer
			err := Pack(context.Background(), io.Discard, testFolder(), Options{Signer: signer})
			if !errors.Is(err, ErrTimestamp) {
				t.Errorf("%v, want %v", err, ErrTimestamp)
			}
		})
	}
	signer := contoso(t).signer()
	signer.TimestampURL = "http://127.0.0.1:1/"
	if err := Pack(context.Background(), io.Discard, testFolder(), Options{Signer: signer}); !errors.Is(err, ErrTimestamp) {
		t.Errorf("no server: %v", err)
	}
}

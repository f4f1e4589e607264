package msix

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"io/fs"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/bgtask/bgtask/internal/needs"
)

const testManifest = `<?xml version="1.0" encoding="utf-8"?>
<Package xmlns="http://schemas.microsoft.com/appx/manifest/foundation/windows10"
  xmlns:uap="http://schemas.microsoft.com/appx/manifest/uap/windows10" IgnorableNamespaces="uap">
  <Identity Name="Contoso.Test" Publisher="CN=Contoso" Version="1.0.0.0" ProcessorArchitecture="x64" />
  <Properties>
    <DisplayName>Test</DisplayName>
    <PublisherDisplayName>Contoso</PublisherDisplayName>
    <Logo>logo.png</Logo>
  </Properties>
  <Dependencies>
    <TargetDeviceFamily Name="Windows.Desktop" MinVersion="10.0.19041.0" MaxVersionTested="10.0.22621.0" />
  </Dependencies>
  <Resources><Resource Language="en-us" /></Resources>
  <Applications>
    <Application Id="App" Executable="App.exe" EntryPoint="Windows.FullTrustApplication">
      <uap:VisualElements DisplayName="Test" Description="Test" BackgroundColor="transparent" Square150x150Logo="logo.png" Square44x44Logo="logo.png" />
    </Application>
  </Applications>
</Package>
`

// text returns n bytes that deflate well but differ in each block.
func text(n int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		b.WriteString(strings.Repeat("the quick brown fox ", 1+i%7))
		b.WriteByte(byte(i))
		b.WriteByte(byte(i >> 8))
	}
	return b.Bytes()[:n]
}

// testFolder has a file for each name and size that needs special treatment.
func testFolder() fstest.MapFS {
	folder := fstest.MapFS{manifestName: {Data: []byte(testManifest)}}
	for name, data := range map[string][]byte{
		"App.exe":               append([]byte("MZ"), text(200_000)...),
		"logo.png":              text(70_000),
		"a b.txt":               []byte("a space"),
		"x+y=z.txt":             []byte("a plus"),
		"list[1].txt":           []byte("brackets"),
		"x%20y.txt":             []byte("a percent"),
		"Grüße/Öl & Essig.txt":  []byte("umlauts"),
		"bin/tool":              []byte("#!/bin/sh\n"),
		"bin/native":            []byte("\x7fELF and so on"),
		"data/archive.tar.gz":   text(300),
		"data/other.xml":        []byte("<other/>"),
		"data/empty":            nil,
		"data/empty.txt":        nil,
		"data/block.bin":        text(blockSize),
		"data/block-and-1.bin":  text(blockSize + 1),
		"data/blocks.zip":       text(3 * blockSize),
		"data/.hidden":          []byte("a dot first"),
		"deep/er/and/deeper.md": []byte("# deep"),
	} {
		folder[name] = &fstest.MapFile{Data: data}
	}
	return folder
}

// identity is a certificate with its key.
type identity struct {
	key         crypto.Signer
	certificate *x509.Certificate
}

func (i identity) signer() *Signer { return &Signer{Key: i.key, Certificate: i.certificate} }

func (i identity) roots() *x509.CertPool { return pool([]*x509.Certificate{i.certificate}) }

var rsaKey = sync.OnceValue(func() crypto.Signer {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

var ecKey = sync.OnceValue(func() crypto.Signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
})

// issue creates a certificate for the key, signed by another identity, or
// self-signed if by is nil.
func issue(t testing.TB, key crypto.Signer, by *identity, change func(*x509.Certificate)) identity {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "Contoso"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},

		BasicConstraintsValid: true,
	}
	if change != nil {
		change(template)
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return identity{key, certificate}
}

func contoso(t testing.TB) identity { return issue(t, rsaKey(), nil, nil) }

func packed(t testing.TB, folder fs.FS, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Pack(context.Background(), &b, folder, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func opened(t testing.TB, b []byte) *Reader {
	t.Helper()
	p, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// verified opens and verifies a package.
func verified(b []byte, policy Policy) (*Signature, error) {
	p, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	return p.Verify(context.Background(), policy)
}

func written(t testing.TB, name string, b []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// judges have the packages of the programs that check the result of this package.
var judges = map[string]needs.Remedy{
	"osslsigncode": needs.Package("osslsigncode"), "openssl": needs.Package("openssl"), "python3": needs.Package("python3"),
	"unzip": needs.Package("unzip"), "zip": needs.Package("zip"), "7z": needs.Package("p7zip-full"),
}

// tool returns the path of an external tool. If it is missing, the test is
// skipped, or fails in CI.
func tool(t testing.TB, name string) string {
	t.Helper()
	found, err := exec.LookPath(name)
	if err == nil {
		return found
	}
	needs.Missing(t, name, judges[name])
	return ""
}

// judge runs an external tool and returns its output.
func judge(t testing.TB, name string, args ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), tool(t, name), args...).CombinedOutput()
	return string(out), err
}

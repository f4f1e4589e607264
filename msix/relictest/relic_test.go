package relictest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/sassoftware/relic/v7/lib/authenticode"
	"github.com/sassoftware/relic/v7/lib/certloader"
	"github.com/sassoftware/relic/v7/lib/signappx"
	"github.com/sassoftware/relic/v7/lib/x509tools"
	"github.com/sassoftware/relic/v7/lib/zipslicer"

	"github.com/bgtask/bgtask/manifest"
	"github.com/bgtask/bgtask/msix"
)

const text = `<?xml version="1.0" encoding="utf-8"?>
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
</Package>
`

// program returns a Windows program. relic lists programs in a catalog.
func program(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", "App.exe", "main.go")
	build.Dir = dir
	build.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return read(t, filepath.Join(dir, "App.exe"))
}

// folder avoids names that are percent-encoded in an archive, which relic does
// not decode, and empty files, after which relic misreads the descriptor. Other
// tests of package msix cover both.
func folder(t *testing.T) fstest.MapFS {
	t.Helper()
	f := fstest.MapFS{manifest.FileName: {Data: []byte(text)}, "App.exe": {Data: program(t)}}
	for name, data := range map[string]string{
		"logo.png": "stored", "bin/tool": "no extension", "data/archive.tar.gz": "stored",
		"data/block.bin": strings.Repeat("x", 65536), "data/more.bin": strings.Repeat("y", 65537),
	} {
		f[name] = &fstest.MapFile{Data: []byte(data)}
	}
	return f
}

type identity struct {
	key         crypto.Signer
	certificate *x509.Certificate
}

func contoso(t *testing.T) identity {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	c, err := msix.NewCertificate(key, "CN=Contoso", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return identity{key, c}
}

func (i identity) policy() msix.Policy {
	roots := x509.NewCertPool()
	roots.AddCert(i.certificate)
	return msix.Policy{Roots: roots}
}

// pack writes one of our unsigned packages to a file.
func pack(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "unsigned.msix")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := msix.Pack(context.Background(), file, folder(t), msix.Options{}); err != nil {
		t.Fatal(err)
	}
	return name
}

// relicSigns signs a package with relic and returns the signed file.
func relicSigns(t *testing.T, name string, who identity, hash crypto.Hash) string {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, w := io.Pipe()
	go func() { w.CloseWithError(zipslicer.ZipToTar(file, w)) }()
	digest, err := signappx.DigestAppxTar(r, hash, false)
	if err != nil {
		t.Fatalf("relic rejects our package: %v", err)
	}
	certificate := &certloader.Certificate{Leaf: who.certificate, Certificates: []*x509.Certificate{who.certificate}, PrivateKey: who.key}
	patch, _, _, err := digest.Sign(context.Background(), certificate, &authenticode.OpusParams{})
	if err != nil {
		t.Fatalf("relic does not sign our package: %v", err)
	}
	signed := filepath.Join(t.TempDir(), "signed.msix")
	if err := patch.Apply(file, signed); err != nil {
		t.Fatal(err)
	}
	return signed
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func verify(b []byte, policy msix.Policy) (*msix.Signature, error) {
	p, err := msix.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	return p.Verify(context.Background(), policy)
}

func TestRelicSignsOurPackage(t *testing.T) {
	who, unsigned := contoso(t), pack(t)
	for _, hash := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} { // also the hash of the block map
		b := read(t, relicSigns(t, unsigned, who, hash))
		theirs, err := signappx.Verify(bytes.NewReader(b), int64(len(b)), false)
		if err != nil {
			t.Fatalf("%v: relic rejects what it signed: %v", hash, err)
		}
		if theirs.Name != "Contoso.Test" || theirs.Version != "1.0.0.0" {
			t.Errorf("relic reads %s %s", theirs.Name, theirs.Version)
		}
		ours, err := verify(b, who.policy())
		if err != nil || ours.Publisher != "CN=Contoso" {
			t.Fatalf("%v: we reject what relic signed: %v", hash, err)
		}
	}
}

func TestBothSeeAChange(t *testing.T) {
	who := contoso(t)
	good := read(t, relicSigns(t, pack(t), who, crypto.SHA256))
	at := bytes.Index(good, []byte("stored"))
	for name, place := range map[string]int{"payload": at, "catalog": bytes.Index(good, []byte("CodeIntegrity.cat")) + 200, "time": 10} {
		bad := bytes.Clone(good)
		bad[place] ^= 1
		if _, err := signappx.Verify(bytes.NewReader(bad), int64(len(bad)), false); err == nil {
			t.Errorf("%s: relic does not detect the change", name)
		}
		if _, err := verify(bad, who.policy()); err == nil {
			t.Errorf("%s: we do not detect the change", name)
		}
	}
	other := contoso(t)
	if _, err := verify(good, other.policy()); !errors.Is(err, msix.ErrUntrusted) {
		t.Errorf("another root: %v", err)
	}
}

// relic converts the subject to Windows' spelling with its own code.
func TestPublisherNames(t *testing.T) {
	for _, name := range []pkix.Name{
		{CommonName: "Contoso"},
		{CommonName: "Contoso Ltd", Organization: []string{"Contoso Ltd"}, Locality: []string{"Redmond"}, Province: []string{"Washington"}, Country: []string{"US"}},
		{CommonName: "Contoso, Ltd.", Organization: []string{"A+B"}, Country: []string{"DE"}},
		{CommonName: "Größe", OrganizationalUnit: []string{"Ünit"}, StreetAddress: []string{"Straße 1"}, PostalCode: []string{"12345"}},
	} {
		key := contoso(t).key
		der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), Subject: name},
			&x509.Certificate{SerialNumber: big.NewInt(1), Subject: name}, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := manifest.PublisherName(c.RawSubject)
		if err != nil {
			t.Fatal(err)
		}
		if theirs := x509tools.FormatPkixName(c.RawSubject, x509tools.NameStyleMsOsco); ours != theirs {
			t.Errorf("our spelling is %s, relic's is %s", ours, theirs)
		}
	}
}

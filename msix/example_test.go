package msix_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"os"
	"testing/fstest"
	"time"

	"github.com/bgtask/bgtask/msix"
)

// folder stands in for os.DirFS("dist") in a real program.
var folder = fstest.MapFS{
	"AppxManifest.xml": {Data: []byte(`<Package xmlns="http://schemas.microsoft.com/appx/manifest/foundation/windows10">
  <Identity Name="Contoso.Notes" Publisher="CN=Contoso" Version="1.2.0.0" ProcessorArchitecture="x64" />
  <Properties>
    <DisplayName>Notes</DisplayName>
    <PublisherDisplayName>Contoso</PublisherDisplayName>
    <Logo>logo.png</Logo>
  </Properties>
</Package>`)},
	"notes.exe": {Data: []byte("MZ")},
	"logo.png":  {Data: []byte("PNG")},
}

// signer has a test certificate. For a real package use msix.LoadPEM or
// msix.LoadPFX.
func signer() *msix.Signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	certificate, err := msix.NewCertificate(key, "CN=Contoso", time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0))
	if err != nil {
		log.Fatal(err)
	}
	return &msix.Signer{Key: key, Certificate: certificate}
}

// Pack a folder into a signed package, verify the package and unpack it.
func Example() {
	ctx := context.Background()
	s := signer()
	var b bytes.Buffer
	if err := msix.Pack(ctx, &b, folder, msix.Options{Signer: s}); err != nil {
		log.Fatal(err)
	}

	p, err := msix.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate)
	signature, err := p.Verify(ctx, msix.Policy{Roots: roots})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("signed by", signature.Publisher)

	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	root, err := os.OpenRoot(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	if err := p.Extract(ctx, root); err != nil {
		log.Fatal(err)
	}
	for _, f := range p.Files() {
		fmt.Println(f.Name, f.Size)
	}
	// Output:
	// signed by CN=Contoso
	// logo.png 3
	// notes.exe 2
	// AppxManifest.xml 348
}

// Sign a package that was packed by another tool.
func ExampleSign() {
	ctx := context.Background()
	var unsigned, signed bytes.Buffer
	if err := msix.Pack(ctx, &unsigned, folder, msix.Options{}); err != nil {
		log.Fatal(err)
	}
	if err := msix.Sign(ctx, &signed, bytes.NewReader(unsigned.Bytes()), int64(unsigned.Len()), signer()); err != nil {
		log.Fatal(err)
	}
	p, err := msix.Open(bytes.NewReader(signed.Bytes()), int64(signed.Len()))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Signed())
	// Output: true
}

// Verify detects a changed byte and reports what is wrong.
func ExampleReader_Verify() {
	ctx := context.Background()
	s := signer()
	var b bytes.Buffer
	if err := msix.Pack(ctx, &b, folder, msix.Options{Signer: s}); err != nil {
		log.Fatal(err)
	}
	at := bytes.Index(b.Bytes(), []byte("PNG"))
	b.Bytes()[at] = 'p'

	p, err := msix.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		log.Fatal(err)
	}
	_, err = p.Verify(ctx, msix.Policy{Roots: x509.NewCertPool()})
	fmt.Println(errors.Is(err, msix.ErrDigest))
	fmt.Println(err)
	// Output:
	// true
	// a file of the package was changed after the package was signed (digest AXPC)
}

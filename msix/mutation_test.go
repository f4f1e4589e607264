package msix

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// Each change of a signed package causes its specific error.
func TestChangedPackages(t *testing.T) {
	who := contoso(t)
	good := packed(t, testFolder(), Options{Signer: who.signer()})
	if _, err := verified(good, Policy{Roots: who.roots()}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		want   error
		change func(f *forged)
	}{
		{"payload byte of a program", ErrDigest, flip("App.exe", 100)},
		{"payload byte of a picture", ErrDigest, flip("logo.png", 100)},
		{"byte of a name in front", ErrHeader, func(f *forged) { f.find("App.exe").local[localLen] ^= 1 }},
		{"byte of the manifest", ErrContent, flip(manifestName, 10)},
		{"time in front", ErrDigest, func(f *forged) { f.find("App.exe").local[10] ^= 1 }},
		{"time in the directory", ErrDigest, func(f *forged) { f.find("App.exe").record[12] ^= 1 }},
		{"time of the signature in the directory", nil, func(f *forged) { f.find(signatureName).record[12] ^= 1 }},
		{"attributes in the directory", ErrDigest, func(f *forged) { f.find("App.exe").record[38] ^= 1 }},
		{"comment in the directory", ErrDigest, func(f *forged) {
			p := f.find("App.exe")
			p.record = append(p.record, "hello"...)
			p.record[32] = 5
		}},
		{"file appended after signing", ErrSignature, func(f *forged) { f.clone("App.exe").rename("evil.exe") }},
		{"file put in before the signature", ErrBlockMap, func(f *forged) {
			f.clone("App.exe").rename("evil.exe")
			last := len(f.parts) - 1
			f.parts[last], f.parts[last-1] = f.parts[last-1], f.parts[last]
		}},
		{"file removed", ErrBlockMap, func(f *forged) { f.remove("App.exe") }},
		{"order of files", ErrDigest, func(f *forged) { f.parts[0], f.parts[1] = f.parts[1], f.parts[0] }},
		{"other end records", ErrDigest, func(f *forged) { f.narrow = true }},
		{"junk at the end", ErrTrailing, func(f *forged) { f.after = []byte("junk") }},
		{"signature removed", ErrUnsigned, func(f *forged) { f.remove(signatureName) }},
		{"signature emptied", ErrSignature, func(f *forged) { f.find(signatureName).fill(nil) }},
		{"signature of another kind", ErrSignature, func(f *forged) { f.find(signatureName).fill([]byte("PKCX\x30\x00")) }},
		{"huge signature", ErrLimit, func(f *forged) { f.find(signatureName).fill(make([]byte, MaxSignature+1)) }},
		{"catalog put in", ErrDigest, func(f *forged) {
			f.clone(signatureName)
			p := f.parts[len(f.parts)-2]
			p.rename(catalogName)
			p.name = catalogName
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := forge(t, good)
			c.change(f)
			s, err := verified(f.bytes(), Policy{Roots: who.roots()})
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if (s == nil) != (err != nil) {
				t.Errorf("a signature and an error: %+v, %v", s, err)
			}
		})
	}
}

func flip(name string, at int) func(*forged) {
	return func(f *forged) { f.find(name).content[at] ^= 1 }
}

// No byte of the signed statement can be changed.
func TestChangedSignatures(t *testing.T) {
	who := contoso(t)
	folder := fstest.MapFS{manifestName: {Data: []byte(testManifest)}, "App.exe": {Data: []byte("MZ")}}
	good := packed(t, folder, Options{Signer: who.signer()})
	p := opened(t, good)
	signature, err := p.whole(p.byName[signatureName], MaxSignature)
	if err != nil {
		t.Fatal(err)
	}
	for i := range signature {
		f := forge(t, good)
		changed := bytes.Clone(signature)
		changed[i] ^= 1
		f.find(signatureName).fill(changed)
		s, err := verified(f.bytes(), Policy{Roots: who.roots()})
		if err == nil && !bytes.Equal(s.Certificate.Raw, who.certificate.Raw) {
			t.Errorf("byte %d of %d: another certificate was accepted", i, len(signature))
		}
		if err == nil && !harmless(signature, i) {
			t.Errorf("byte %d of %d (%#x): the change was not detected", i, len(signature), signature[i])
		}
	}
}

// harmless reports whether a byte is outside the statement: versions of
// structures, and the list of hashes, which is not used.
func harmless(signature []byte, i int) bool {
	c, problem := parseCMS(signature[len(signatureMagic):])
	if problem != "" {
		return false
	}
	for _, kept := range [][]byte{c.content, c.certificate.Raw, c.signer.Signature, c.signer.Signed.Bytes} {
		at := bytes.Index(signature, kept)
		if i >= at && i < at+len(kept) {
			return false
		}
	}
	return true
}

// Faults in the block map that a signer could make, or that remain undetected
// without a signature.
func TestChangedBlockMaps(t *testing.T) {
	good := packed(t, testFolder(), Options{})
	p := opened(t, good)
	text, err := p.whole(p.byName[blockMapName], MaxBlockMap)
	if err != nil {
		t.Fatal(err)
	}
	app := `<File Name="App.exe" Size="200002" LfhSize="37">`
	sizes := p.blockMap.files["App.exe"].packed
	blocks := strings.SplitAfter(string(text[bytes.Index(text, []byte(app))+len(app):]), "/>")
	hidden := strings.Replace(blocks[0], sizeOf(sizes[0]), sizeOf(sizes[0]+1), 1) + strings.Replace(blocks[1], sizeOf(sizes[1]), sizeOf(sizes[1]-1), 1)
	for _, c := range []struct {
		name, old, new string
		want           error
	}{
		{"LfhSize", `LfhSize="37"`, `LfhSize="38"`, ErrBlockMap},
		{"Size", `Size="200002"`, `Size="200003"`, ErrContent},
		{"two sizes shifted, their sum kept", blocks[0] + blocks[1], hidden, ErrContent},
		{"two blocks swapped", blocks[0] + blocks[1], blocks[1] + blocks[0], ErrContent},
		{"one size", sizeOf(sizes[0]), sizeOf(sizes[0] + 1), ErrBlockMap},
		{"size taken away", " " + sizeOf(sizes[0]), "", ErrBlockMap},
		{"all sizes taken away", strings.Join(blocks[:4], ""), strings.Join([]string{bare(blocks[0]), bare(blocks[1]), bare(blocks[2]), bare(blocks[3])}, ""), ErrBlockMap},
		{"size of no block", sizeOf(sizes[0]), `Size="200000"`, ErrLimit},
		{"block taken away", blocks[1], "", ErrBlockMap},
		{"block more", blocks[1], blocks[1] + blocks[1], ErrBlockMap},
		{"hash", `Hash="`, `Hash="A`, ErrBlockMap},
		{"another hash", blocks[0], blocks[1], ErrBlockMap},
		{"slash in a name", `Name="data\block.bin"`, `Name="data/block.bin"`, ErrBlockMap},
		{"encoded name", `Name="a b.txt"`, `Name="a%20b.txt"`, ErrBlockMap},
		{"case of a name", `Name="App.exe"`, `Name="app.exe"`, ErrBlockMap},
		{"HashMethod SHA-1", sha256Method, "http://www.w3.org/2000/09/xmldsig#sha1", ErrBlockMap},
		{"HashMethod SHA-512", sha256Method, "http://www.w3.org/2001/04/xmlenc#sha512", ErrBlockMap},
		{"file missing", `<File Name="data\empty" Size="0" LfhSize="40"/>`, "", ErrBlockMap},
		{"file more", "</BlockMap>", `<File Name="ghost" Size="0" LfhSize="35"/></BlockMap>`, ErrBlockMap},
		{"file twice", "</BlockMap>", `<File Name="data\empty" Size="0" LfhSize="40"/></BlockMap>`, ErrBlockMap},
		{"itself", "</BlockMap>", `<File Name="AppxBlockMap.xml" Size="0" LfhSize="46"/></BlockMap>`, ErrBlockMap},
		{"namespace", blockMapSpace, blockMapSpace + "/", ErrBlockMap},
		{"elements of others", "</BlockMap>", `<b4:FileHash xmlns:b4="http://schemas.microsoft.com/appx/2021/blockmap" Hash="x"/></BlockMap>`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := forge(t, good)
			f.edit(t, good, blockMapName, c.old, c.new)
			if _, err := verified(f.bytes(), Policy{AllowUnsigned: true}); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// Content that is well-formed but differs from the block map, or that different
// programs would read differently.
func TestChangedContent(t *testing.T) {
	good := packed(t, testFolder(), Options{})
	plain := testFolder()["App.exe"].Data
	for _, c := range []struct {
		name   string
		want   error
		change func(f *forged)
	}{
		{"not in blocks", ErrBlockMap, func(f *forged) { f.find("App.exe").pack(plain, deflated(plain), methodDeflated) }},
		{"stored", ErrBlockMap, func(f *forged) { f.find("App.exe").fill(plain) }},
		{"bytes after the last block", ErrContent, func(f *forged) {
			p := f.find("App.exe")
			copy(p.content[len(p.content)-2:], []byte{1, 0})
		}},
		{"checksum of other content", ErrContent, func(f *forged) {
			p := f.find("App.exe")
			p.sizes(p.crc+1, uint64(p.packed), uint64(p.size))
		}},
		{"no content type", ErrContentTypes, func(f *forged) {
			f.edit(t, good, contentTypesName, `<Default Extension="exe" ContentType="application/x-msdownload"/>`, "")
		}},
		{"two content types", ErrContentTypes, func(f *forged) {
			f.edit(t, good, contentTypesName, `Extension="exe"`, `Extension="PNG"`)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := forge(t, good)
			c.change(f)
			if _, err := verified(f.bytes(), Policy{AllowUnsigned: true}); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// The deflated stream ends early. Each block is valid, but unzip would see only
// the first one.
func TestBlockThatEndsTheFile(t *testing.T) {
	good := packed(t, testFolder(), Options{})
	p := opened(t, good)
	plain := testFolder()["App.exe"].Data
	m := p.blockMap.files["App.exe"]
	first := deflated(plain[:blockSize])
	f := forge(t, good)
	part := f.find("App.exe")
	part.pack(plain, append(first, part.content[m.packed[0]:]...), methodDeflated)
	f.edit(t, good, blockMapName, sizeOf(m.packed[0]), sizeOf(uint32(len(first))))
	if _, err := verified(f.bytes(), Policy{AllowUnsigned: true}); !errors.Is(err, ErrContent) {
		t.Errorf("%v, want %v", err, ErrContent)
	}
}

// A block does not end on a byte boundary. Block by block it is valid, but as one
// stream the content differs.
func TestBlockThatDoesNotEndOnAByte(t *testing.T) {
	good := packed(t, testFolder(), Options{})
	p := opened(t, good)
	plain := testFolder()["App.exe"].Data
	m := p.blockMap.files["App.exe"]
	part := forge(t, good).find("App.exe")
	first := part.content[:m.packed[0]-uint32(len(syncMark))-1] // up to the byte in which the mark begins
	if len(first) == 0 {
		t.Fatal("the first block is empty")
	}
	for _, cut := range []int{0, 1} {
		f := forge(t, good)
		part := f.find("App.exe")
		short := append(bytes.Clone(part.content[:len(first)+cut]), part.content[m.packed[0]:]...)
		part.pack(plain, short, methodDeflated)
		f.edit(t, good, blockMapName, sizeOf(m.packed[0]), sizeOf(uint32(len(first)+cut)))
		if _, err := verified(f.bytes(), Policy{AllowUnsigned: true}); !errors.Is(err, ErrContent) && !errors.Is(err, ErrTruncated) {
			t.Errorf("%v, want %v", err, ErrContent)
		}
	}
}

func sizeOf(n uint32) string { return `Size="` + itoa(n) + `"` }

func itoa(n uint32) string { return string(appendInt(nil, n)) }

func appendInt(b []byte, n uint32) []byte {
	if n >= 10 {
		b = appendInt(b, n/10)
	}
	return append(b, byte('0'+n%10))
}

func bare(block string) string { return block[:strings.Index(block, " Size")] + "/>" }

func TestWhoSigned(t *testing.T) {
	root := issue(t, ecKey(), nil, func(c *x509.Certificate) {
		c.IsCA, c.Subject, c.ExtKeyUsage, c.KeyUsage = true, pkix.Name{CommonName: "Root"}, nil, x509.KeyUsageCertSign
	})
	between := issue(t, newKey(t), &root, func(c *x509.Certificate) {
		c.IsCA, c.Subject, c.ExtKeyUsage, c.KeyUsage = true, pkix.Name{CommonName: "Issuing"}, nil, x509.KeyUsageCertSign
	})
	leaf := issue(t, rsaKey(), &between, nil)
	other := issue(t, newKey(t), nil, nil)
	chain := leaf.signer()
	chain.Chain = []*x509.Certificate{between.certificate}
	expired := issue(t, rsaKey(), nil, func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
	})
	past := expired.signer()
	past.Now = func() time.Time { return time.Now().Add(-36 * time.Hour) }
	narrow := issue(t, newKey(t), nil, func(c *x509.Certificate) {
		c.IsCA, c.Subject, c.KeyUsage = true, pkix.Name{CommonName: "Servers only"}, x509.KeyUsageCertSign
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	})
	underNarrow := issue(t, rsaKey(), &narrow, nil)
	for _, c := range []struct {
		name   string
		signer *Signer
		policy Policy
		want   error
	}{
		{"itself", contoso(t).signer(), Policy{Roots: other.roots()}, ErrUntrusted},
		{"chain", chain, Policy{Roots: root.roots()}, nil},
		{"chain with a hole", leaf.signer(), Policy{Roots: root.roots()}, ErrUntrusted},
		{"another with the same name", other.signer(), Policy{Roots: issue(t, newKey(t), nil, nil).roots()}, ErrUntrusted},
		{"no roots of ours", other.signer(), Policy{}, ErrUntrusted},
		{"too late", past, Policy{Roots: expired.roots()}, ErrValidity},
		{"in time", past, Policy{Roots: expired.roots(), Time: time.Now().Add(-36 * time.Hour)}, nil},
		{"too early", past, Policy{Roots: expired.roots(), Time: time.Now().Add(-72 * time.Hour)}, ErrValidity},
		{"authority for something else", underNarrow.signer(), Policy{Roots: narrow.roots()}, ErrPurpose},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := verified(packed(t, testFolder(), Options{Signer: c.signer}), c.policy)
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if err == nil && (s.Publisher != "CN=Contoso" || s.Certificate == nil || len(s.Chain) == 0) {
				t.Errorf("%+v", s)
			}
		})
	}
}

func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// blind signs a package with any identity, without the checks of Sign.
func blind(t *testing.T, who identity) []byte {
	t.Helper()
	b := packed(t, testFolder(), Options{})
	p := opened(t, b)
	var out bytes.Buffer
	w := newWriter(&out, time.Time{})
	types, err := p.moveAll(context.Background(), w)
	if err != nil {
		t.Fatal(err)
	}
	d := digests{tagTypes: sha256Of(types), tagBlockMap: p.mapHash[crypto.SHA256]}
	if err := w.close(context.Background(), who.signer(), d); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestSignersThatOthersAccept(t *testing.T) {
	for _, c := range []struct {
		name   string
		want   error
		change func(*x509.Certificate)
	}{
		{"Contoso", nil, nil},
		{"another publisher", ErrPublisher, func(c *x509.Certificate) { c.Subject.CommonName = "Fabrikam" }},
		{"more of a publisher", ErrPublisher, func(c *x509.Certificate) { c.Subject.Country = []string{"US"} }},
		{"publisher in another case", ErrPublisher, func(c *x509.Certificate) { c.Subject.CommonName = "contoso" }},
		{"two values in one part", ErrPublisher, func(c *x509.Certificate) {
			c.RawSubject = multiValued(t)
		}},
		{"no purpose", ErrPurpose, func(c *x509.Certificate) { c.ExtKeyUsage = nil }},
		{"another purpose", ErrPurpose, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			who := issue(t, rsaKey(), nil, c.change)
			s, err := verified(blind(t, who), Policy{Roots: who.roots()})
			if (s == nil) != (err != nil) {
				t.Errorf("a signature and an error: %+v, %v", s, err)
			}
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("verified: %v, want %v", err, c.want)
			}
			err = Pack(context.Background(), io.Discard, testFolder(), Options{Signer: who.signer()})
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("signed: %v, want %v", err, c.want)
			}
		})
	}
}

func multiValued(t *testing.T) []byte {
	t.Helper()
	value := func(s string) pkix.AttributeTypeAndValue {
		return pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: s}
	}
	der, err := asn1.Marshal(pkix.RDNSequence{{value("Contoso"), value("Contoso2")}})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

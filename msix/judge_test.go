package msix

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bgtask/bgtask/internal/needs"
)

func TestArchiversTakeOurPackages(t *testing.T) {
	for name, b := range map[string][]byte{
		"unsigned.msix": packed(t, testFolder(), Options{}),
		"signed.msix":   packed(t, testFolder(), Options{Signer: contoso(t).signer()}),
	} {
		file := written(t, name, b)
		if out, err := judge(t, "unzip", "-tqq", file); err != nil {
			t.Errorf("unzip: %v\n%s", err, out)
		}
		if out, err := judge(t, "7z", "t", file); err != nil || strings.Contains(out, "Warning") {
			t.Errorf("7z: %v\n%s", err, out)
		}
		if out, err := judge(t, "python3", "testdata/blockcheck.py", file); err != nil {
			t.Errorf("blockcheck.py: %v\n%s", err, out)
		}
	}
}

// osslsigncode runs the tool of that name. Versions before 2.7 do not support
// packages.
func osslsigncode(t testing.TB, args ...string) (string, error) {
	t.Helper()
	out, err := judge(t, "osslsigncode", "--version")
	var major, minor int
	if _, scanErr := fmt.Sscanf(out, "osslsigncode %d.%d", &major, &minor); scanErr != nil {
		t.Fatalf("osslsigncode --version: %v\n%s", err, out)
	}
	if major < 2 || major == 2 && minor < 7 {
		needs.Missing(t, "osslsigncode 2.7 or later", needs.Elsewhere("bookworm-backports has 2.9"))
	}
	return judge(t, "osslsigncode", args...)
}

func certificateFile(t *testing.T, i identity) string {
	return written(t, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.certificate.Raw}))
}

func TestOsslsigncodeTakesOurSignature(t *testing.T) {
	for name, who := range map[string]identity{"RSA": contoso(t), "ECDSA": issue(t, ecKey(), nil, nil)} {
		t.Run(name, func(t *testing.T) {
			file := written(t, "signed.msix", packed(t, testFolder(), Options{Signer: who.signer()}))
			out, err := osslsigncode(t, "verify", "-CAfile", certificateFile(t, who), "-in", file)
			if err != nil || !strings.Contains(out, "Signature verification: ok") {
				t.Errorf("%v\n%s", err, out)
			}
			var b bytes.Buffer
			unsigned := packed(t, testFolder(), Options{})
			if err := Sign(context.Background(), &b, bytes.NewReader(unsigned), int64(len(unsigned)), who.signer()); err != nil {
				t.Fatal(err)
			}
			out, err = osslsigncode(t, "verify", "-CAfile", certificateFile(t, who), "-in", written(t, "later.msix", b.Bytes()))
			if err != nil {
				t.Errorf("signed later: %v\n%s", err, out)
			}
			if _, err := verified(b.Bytes(), Policy{Roots: who.roots()}); err != nil {
				t.Errorf("signed later: %v", err)
			}
		})
	}
}

// privateFile writes the key of an identity in PEM.
func privateFile(t *testing.T, i identity) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(i.key)
	if err != nil {
		t.Fatal(err)
	}
	return written(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestWeTakeTheSignatureOfOsslsigncode(t *testing.T) {
	who := contoso(t)
	unsigned := written(t, "unsigned.msix", packed(t, testFolder(), Options{}))
	signed := filepath.Join(t.TempDir(), "signed.msix")
	out, err := osslsigncode(t, "sign", "-h", "sha256", "-certs", certificateFile(t, who), "-key", privateFile(t, who), "-in", unsigned, "-out", signed)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(signed)
	if err != nil {
		t.Fatal(err)
	}
	s, err := verified(b, Policy{Roots: who.roots()})
	if err != nil || s.Publisher != "CN=Contoso" {
		t.Fatalf("%v", err)
	}
	f := forge(t, b)
	f.find("App.exe").content[100] ^= 1
	if _, err := verified(f.bytes(), Policy{Roots: who.roots()}); !errors.Is(err, ErrDigest) {
		t.Errorf("changed: %v", err)
	}
}

// osslsigncode also detects the changes that we detect.
func TestOsslsigncodeSeesTheSameFaults(t *testing.T) {
	who := contoso(t)
	good := packed(t, testFolder(), Options{Signer: who.signer()})
	for name, change := range map[string]func(*forged){
		"payload":             flip("App.exe", 100),
		"time in a header":    func(f *forged) { f.find("App.exe").local[10] ^= 1 },
		"time in a directory": func(f *forged) { f.find("App.exe").record[12] ^= 1 },
	} {
		f := forge(t, good)
		change(f)
		out, err := osslsigncode(t, "verify", "-CAfile", certificateFile(t, who), "-in", written(t, "bad.msix", f.bytes()))
		if err == nil {
			t.Errorf("%s: osslsigncode accepts the package\n%s", name, out)
		}
	}
}

// The script detects faults in block maps that other MSIX tools ignore.
func TestTheScriptSeesFaults(t *testing.T) {
	good := packed(t, testFolder(), Options{})
	for name, edit := range map[string][2]string{
		"LfhSize":  {`LfhSize="37"`, `LfhSize="38"`},
		"hash":     {`Hash="`, `Hash="AAAA`},
		"slash":    {`data\block.bin`, `data/block.bin`},
		"SHA-1":    {sha256Method, "http://www.w3.org/2000/09/xmldsig#sha1"},
		"a ghost":  {"</BlockMap>", `<File Name="ghost" Size="0" LfhSize="35"/></BlockMap>`},
		"one less": {`<File Name="data\empty" Size="0" LfhSize="40"/>`, ""},
	} {
		f := forge(t, good)
		f.edit(t, good, blockMapName, edit[0], edit[1])
		if out, err := judge(t, "python3", "testdata/blockcheck.py", written(t, "bad.msix", f.bytes())); err == nil {
			t.Errorf("%s: the script accepts the package\n%s", name, out)
		}
	}
}

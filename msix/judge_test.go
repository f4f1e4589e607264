package msix

import (
	"bytes"
	"context"
	"encoding/pem"
	"strings"
	"testing"
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

func certificateFile(t *testing.T, i identity) string {
	return written(t, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.certificate.Raw}))
}

func TestOsslsigncodeTakesOurSignature(t *testing.T) {
	for name, who := range map[string]identity{"RSA": contoso(t), "ECDSA": issue(t, ecKey(), nil, nil)} {
		t.Run(name, func(t *testing.T) {
			file := written(t, "signed.msix", packed(t, testFolder(), Options{Signer: who.signer()}))
			out, err := judge(t, "osslsigncode", "verify", "-CAfile", certificateFile(t, who), "-in", file)
			if err != nil || !strings.Contains(out, "Signature verification: ok") {
				t.Errorf("%v\n%s", err, out)
			}
			var b bytes.Buffer
			unsigned := packed(t, testFolder(), Options{})
			if err := Sign(context.Background(), &b, bytes.NewReader(unsigned), int64(len(unsigned)), who.signer()); err != nil {
				t.Fatal(err)
			}
			out, err = judge(t, "osslsigncode", "verify", "-CAfile", certificateFile(t, who), "-in", written(t, "later.msix", b.Bytes()))
			if err != nil {
				t.Errorf("signed later: %v\n%s", err, out)
			}
			if _, err := verified(b.Bytes(), Policy{Roots: who.roots()}); err != nil {
				t.Errorf("signed later: %v", err)
			}
		})
	}
}

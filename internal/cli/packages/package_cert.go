package packages

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/internal/declaration"
	"github.com/bgtask/bgtask/msix"
)

const certHelp = `Create a certificate and key for signing packages during development.

PUBLISHER is spelled as in the manifest, "CN=Contoso, C=US". It defaults to the
publisher in the bgtask.toml of the current folder. The certificate is written to
NAME.crt and the key to NAME.key; neither file may exist.

No other machine trusts the certificate; the output explains how to change that.`

// The size of the key of a test certificate, and how long the certificate may be valid.
const (
	testKeyBits  = 3072
	mostTestDays = 3650
)

func newPackageCert(a *app) *cobra.Command {
	name, days := "", 0
	c := &cobra.Command{
		Use:   "cert [PUBLISHER]",
		Short: "Create a certificate for signing packages during development",
		Long:  certHelp,
		Args:  verb.Between(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if days < 1 || days > mostTestDays {
				return verb.Usage(c, "--days must be from 1 to 3650")
			}
			publisher, err := publisherOf(args)
			if err != nil {
				return err
			}
			return packageError(a.makeCertificate(publisher, name, days))
		},
	}
	c.Flags().StringVarP(&name, "out", "o", "test", "the `NAME` of the two files")
	c.Flags().IntVar(&days, "days", 365, "the `NUMBER` of days for which the certificate is valid")
	return c
}

func publisherOf(args []string) (string, error) {
	if len(args) == 1 {
		return args[0], nil
	}
	d, err := declaration.Load(declaration.FileName)
	if errors.Is(err, fs.ErrNotExist) {
		return "", term.Refuse("package cert: missing publisher", `name it as in the manifest: bgtask package cert "CN=Contoso"`)
	}
	if err != nil {
		return "", err
	}
	return d.Publisher, nil
}

func (a *app) makeCertificate(publisher, name string, days int) error {
	key, err := rsa.GenerateKey(rand.Reader, testKeyBits)
	if err != nil {
		return err
	}
	from := a.Now().Add(-time.Hour) // the clocks of other machines may be behind
	to := a.Now().AddDate(0, 0, days)
	certificate, err := msix.NewCertificate(key, publisher, from, to)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := writeNew(name+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600); err != nil {
		return err
	}
	if err := writeNew(name+".crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}), 0o644); err != nil {
		return errors.Join(err, os.Remove(name+".key"))
	}
	if a.JSON {
		a.Object(term.Member("certificate", map[string]any{"publisher": publisher, "certificate": name + ".crt", "key": name + ".key", "valid_until": to}))
		return nil
	}
	a.printCertificate(publisher, name, to)
	return nil
}

func (a *app) printCertificate(publisher, name string, to time.Time) {
	crt := term.Clean(name + ".crt")
	a.Printf("%s: certificate of %s, valid until %s. Keep its key secret: %s\n", crt, term.Clean(publisher), to.In(a.Zone).Format(time.DateOnly), term.Clean(name+".key"))
	a.Printf("  to sign      bgtask package --cert %s --key %s\n", crt, term.Clean(name+".key"))
	a.Printf("  on Windows   Import-Certificate -FilePath %s -CertStoreLocation Cert:\\LocalMachine\\TrustedPeople\n", crt)
	a.Printf("               in an administrator's PowerShell\n")
	a.Printf("  on Linux     bgtask trust %s\n", crt)
}

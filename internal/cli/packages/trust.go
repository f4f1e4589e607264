package packages

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/task"
)

const trustHelp = `Show or change the certificates whose packages you install.

A package file is installed if its signature leads to a root certificate of the
system, or to a certificate that you trust here. CERT is a file with certificates,
in PEM or DER. They are stored in bgtask/trusted beside the configuration.

Before you trust a certificate, compare its fingerprint with one that you got from
the publisher in another way. A certificate lets in the packages of that publisher
only; the certificate of an authority lets in all publishers that it vouches for.`

func newTrust(a *app) *cobra.Command {
	var remove string
	c := &cobra.Command{
		Use:   "trust [CERT]",
		Short: "Show or change the certificates whose packages you install",
		Long:  trustHelp,
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir, err := trustDir()
			switch {
			case err != nil:
				return err
			case remove != "" && len(args) > 0:
				return trustError(args[0], "--remove cannot be used together with a certificate to add", "run bgtask trust twice")
			case remove != "":
				return a.distrust(dir, remove)
			case len(args) > 0:
				return a.trust(dir, args[0])
			}
			return a.showTrusted(dir)
		},
	}
	c.Flags().StringVar(&remove, "remove", "", "remove the certificate with this `FINGERPRINT`, or its first 8 digits or more")
	return c
}

// trustDir returns the directory in which the broker looks for certificates.
func trustDir() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", trustError("", err.Error(), "set HOME")
	}
	return filepath.Join(dir, "bgtask", "trusted"), nil
}

func trustError(subject, detail, hint string) error {
	return &task.Error{Op: "trust", Subject: subject, Err: task.ErrInvalid, Detail: detail, Hint: hint}
}

// trusted is a certificate in the output.
type trusted struct {
	Subject     string    `json:"subject"`
	Fingerprint string    `json:"fingerprint"`
	Until       time.Time `json:"valid_until"`
	Path        string    `json:"path"`
}

func newTrusted(c *x509.Certificate, dir string) trusted {
	sum := sha256.Sum256(c.Raw)
	print := hex.EncodeToString(sum[:])
	return trusted{c.Subject.String(), print, c.NotAfter.UTC(), filepath.Join(dir, print[:32]+".pem")}
}

// trust stores the certificates of a file.
func (a *app) trust(dir, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return trustError(path, term.Cause(err).Error(), "give a file with certificates")
	}
	certificates, err := certificatesOf(data)
	if err != nil {
		return trustError(path, err.Error(), "give the certificate in PEM or DER: .pem, .crt, .cer")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var all []trusted
	for _, c := range certificates {
		t := newTrusted(c, dir)
		block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
		if err := writeWhole(t.Path, block); err != nil {
			return err
		}
		all = append(all, t)
	}
	if a.JSON {
		a.Object(term.Member("trusted", all))
		return nil
	}
	for _, t := range all {
		a.Printf("%s: trusted until %s; SHA-256 %s\n", term.Clean(t.Subject), t.Until.Local().Format(time.DateOnly), t.Fingerprint)
	}
	return nil
}

// writeWhole writes a file completely or not at all.
func writeWhole(path string, data []byte) error {
	fresh := path + ".new"
	if err := os.WriteFile(fresh, data, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}

// certificatesOf parses certificates in PEM or DER.
func certificatesOf(data []byte) ([]*x509.Certificate, error) {
	if !bytes.Contains(data, []byte("-----BEGIN ")) {
		return x509.ParseCertificates(data)
	}
	var all []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, errors.New("the file contains no certificate")
	}
	return all, nil
}

func readTrusted(dir string) ([]trusted, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []trusted
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		data, err := os.ReadFile(path)
		if err != nil || !slices.Contains([]string{".pem", ".crt", ".cer"}, strings.ToLower(filepath.Ext(path))) {
			continue // as the broker does
		}
		certificates, _ := certificatesOf(data) // the broker reports files that it cannot parse
		for _, c := range certificates {
			t := newTrusted(c, dir)
			t.Path = path
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(x, y trusted) int { return strings.Compare(x.Subject+x.Fingerprint, y.Subject+y.Fingerprint) })
	return all, nil
}

func (a *app) showTrusted(dir string) error {
	all, err := readTrusted(dir)
	if err != nil {
		return err
	}
	if a.JSON {
		a.Object(term.Member("trusted", append([]trusted{}, all...)))
		return nil
	}
	if len(all) == 0 {
		a.Printf("You trust no certificates beside those of the system. 'bgtask trust CERT' adds one.\n")
		return nil
	}
	t := term.NewTable("SUBJECT", "VALID UNTIL", "SHA-256")
	for _, c := range all {
		t.Add(term.Text(term.Clean(c.Subject)), term.Text(c.Until.Local().Format(time.DateOnly)), term.Text(c.Fingerprint))
	}
	a.Table(t)
	return nil
}

// distrust removes a certificate. Packages that are installed stay.
func (a *app) distrust(dir, fingerprint string) error {
	all, err := readTrusted(dir)
	if err != nil {
		return err
	}
	found, err := removable(all, fingerprint)
	if err != nil {
		return err
	}
	for _, t := range found {
		if err := os.Remove(t.Path); err != nil {
			return err
		}
	}
	if a.JSON {
		a.Object(term.Member("removed", found[0]))
		return nil
	}
	a.Printf("%s: no longer trusted\n", term.Clean(found[0].Subject))
	return nil
}

// removable finds the one certificate with a fingerprint, in every file that has it. A
// file with other certificates was put there by the user, who has to edit it.
func removable(all []trusted, fingerprint string) (found []trusted, err error) {
	wanted := strings.ToLower(strings.ReplaceAll(fingerprint, ":", ""))
	prints, files := map[string]bool{}, map[string]bool{}
	for _, t := range all {
		if strings.HasPrefix(t.Fingerprint, wanted) && !files[t.Path] {
			prints[t.Fingerprint], files[t.Path] = true, true
			found = append(found, t)
		}
	}
	if len(prints) != 1 || len(wanted) < 8 {
		return nil, &task.Error{Op: "trust", Subject: fingerprint, Err: task.ErrNotRegistered,
			Detail: fmt.Sprintf("%d trusted certificates match this fingerprint, but it must be exactly one", len(prints)), Hint: "'bgtask trust' lists all certificates; give at least 8 digits of the fingerprint"}
	}
	for _, t := range all {
		if files[t.Path] && !prints[t.Fingerprint] {
			return nil, trustError(fingerprint, t.Path+" contains other certificates, too", "remove the certificate from that file with an editor, or remove the file")
		}
	}
	return found, nil
}

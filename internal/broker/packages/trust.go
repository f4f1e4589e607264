//go:build linux

package packages

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/manifest"
	"github.com/bgtask/bgtask/msix"
	"github.com/bgtask/bgtask/task"
)

// trustedRoots returns the system's roots and the certificates in dir, which the user
// trusts. A file there that is not a certificate is an error: the user relies on it.
func trustedRoots(dir string) (*x509.CertPool, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // this machine has no roots
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if !slices.Contains([]string{".pem", ".crt", ".cer"}, strings.ToLower(filepath.Ext(path))) {
			continue
		}
		if err := addCertificateFile(roots, path); err != nil {
			return nil, &task.Error{Op: "read a trusted certificate", Subject: path, Err: task.ErrInvalid, Detail: err.Error(), Hint: "remove the file, or run 'bgtask trust CERT' again"}
		}
	}
	return roots, nil
}

// maxCertificates bounds the size of a certificate file, in bytes. The system's bundle,
// which holds many, has 200 KiB.
const maxCertificates = 1 << 20

func addCertificateFile(roots *x509.CertPool, path string) error {
	file, err := openFile(path)
	if err != nil {
		return err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxCertificates+1))
	if err == nil && len(data) > maxCertificates {
		err = fmt.Errorf("the file has more than %d bytes", maxCertificates)
	}
	if err != nil {
		return err
	}
	return addCertificates(roots, data)
}

// addCertificates adds the certificates of a file in PEM or DER format.
func addCertificates(roots *x509.CertPool, data []byte) error {
	block, rest := pem.Decode(data)
	if block == nil {
		block = &pem.Block{Bytes: data}
	}
	for ; block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return err
		}
		roots.AddCert(certificate)
	}
	return nil
}

// explain turns the reason why a package is refused into an error for people.
func explain(path string, err error) error {
	var explained *task.Error
	var e *msix.Error
	switch {
	case errors.As(err, &explained), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return &task.Error{Op: "install", Subject: path, Err: task.ErrLimit, Detail: err.Error(), Hint: "free some space; nothing was installed"}
	case !errors.As(err, &e):
		return &task.Error{Op: "install", Subject: path, Err: task.ErrInternal, Detail: err.Error(), Hint: "nothing was installed"}
	}
	sentinel, hint := task.ErrInvalid, e.Hint
	switch {
	case errors.Is(err, msix.ErrUntrusted):
		sentinel = task.ErrAccessDenied
		hint = "if you trust its publisher, get its certificate and run: bgtask trust CERT"
	case errors.Is(err, msix.ErrUnsigned):
		sentinel = task.ErrAccessDenied
		hint = "sign it, or install it with --allow-unsigned"
	case errors.Is(err, msix.ErrLimit), errors.Is(err, msix.ErrBomb):
		sentinel = task.ErrLimit
	case errors.Is(err, msix.ErrFormat) && strings.EqualFold(filepath.Ext(path), ".xml"):
		hint = "the manifest in a package folder must be named " + manifest.FileName
	}
	return &task.Error{Op: "install", Subject: path, Err: sentinel, Detail: e.Error(), Hint: hint}
}

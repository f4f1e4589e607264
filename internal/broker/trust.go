//go:build linux

package broker

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

// trustDir holds the certificates whose packages the user installs, beside those
// that lead to a root of the system.
func (b *broker) trustDir() string { return filepath.Join(filepath.Dir(b.cfg.ConfigFile), "trusted") }

// trustedRoots are the system's roots and the certificates in dir. A file there
// that is none is told: somebody counts on it.
func trustedRoots(dir string) (*x509.CertPool, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // a machine without any
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
			return nil, &task.Error{Op: "read a trusted certificate", Subject: path, Err: task.ErrInvalid, Detail: err.Error(), Hint: "remove the file, or 'bgtask trust CERT' again"}
		}
	}
	return roots, nil
}

// maxCertificates bounds a file of them: the system's own, which are many, have 200 KiB.
const maxCertificates = 1 << 20

func addCertificateFile(roots *x509.CertPool, path string) error {
	file, err := openFile(path)
	if err != nil {
		return err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxCertificates+1))
	if err == nil && len(data) > maxCertificates {
		err = fmt.Errorf("it has more than %d bytes", maxCertificates)
	}
	if err != nil {
		return err
	}
	return addCertificates(roots, data)
}

// addCertificates adds those of a file in PEM or DER.
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

// explainPackage says in the broker's words why a package file is refused.
func explainPackage(path string, err error) error {
	var told *task.Error
	var e *msix.Error
	switch {
	case errors.As(err, &told), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return &task.Error{Op: "install", Subject: path, Err: task.ErrLimit, Detail: err.Error(), Hint: "make room; nothing of it was installed"}
	case !errors.As(err, &e):
		return &task.Error{Op: "install", Subject: path, Err: task.ErrInternal, Detail: err.Error(), Hint: "nothing of it was installed"}
	}
	sentinel, hint := task.ErrInvalid, e.Hint
	switch {
	case errors.Is(err, msix.ErrUntrusted):
		sentinel = task.ErrAccessDenied
		hint = "if you trust its publisher, get the certificate and: bgtask trust CERT"
	case errors.Is(err, msix.ErrUnsigned):
		sentinel = task.ErrAccessDenied
		hint = "sign it, or --allow-unsigned takes it all the same"
	case errors.Is(err, msix.ErrLimit), errors.Is(err, msix.ErrBomb):
		sentinel = task.ErrLimit
	case errors.Is(err, msix.ErrFormat) && strings.EqualFold(filepath.Ext(path), ".xml"):
		hint = "a manifest in a folder has the name " + manifest.FileName
	}
	return &task.Error{Op: "install", Subject: path, Err: sentinel, Detail: e.Error(), Hint: hint}
}

package msix

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"

	"software.sslmate.com/src/go-pkcs12"
)

// LoadPEM returns a Signer with certificates and a key in PEM. The key is an
// unencrypted PKCS #8, PKCS #1 or SEC 1 key. The first certificate belongs to the
// key; the others are the chain. Certificates and key may be in one file.
func LoadPEM(certificates, key []byte) (*Signer, error) {
	s := &Signer{}
	for block, rest := pem.Decode(certificates); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fault("", ErrKey, "cannot read a certificate: %v", err)
		}
		s.Chain = append(s.Chain, c)
	}
	if len(s.Chain) == 0 {
		return nil, fault("", ErrKey, "the file contains no PEM certificate (BEGIN CERTIFICATE)")
	}
	s.Certificate, s.Chain = s.Chain[0], s.Chain[1:]
	var err error
	if s.Key, err = parseKey(key); err != nil {
		return nil, err
	}
	return s, s.checkKey()
}

func parseKey(data []byte) (crypto.Signer, error) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		var key any
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case "ENCRYPTED PRIVATE KEY":
			return nil, &Error{Err: ErrKey, Detail: "the key is encrypted", Hint: "use a .pfx file with a password, or decrypt it: openssl pkey -in key.pem -out plain.pem"}
		default:
			continue
		}
		if block.Headers["DEK-Info"] != "" {
			return nil, &Error{Err: ErrKey, Detail: "the key is encrypted", Hint: "use a .pfx file with a password, or decrypt it: openssl pkey -in key.pem -out plain.pem"}
		}
		if err != nil {
			return nil, fault("", ErrKey, "cannot read the key: %v", err)
		}
		return asSigner(key)
	}
	return nil, fault("", ErrKey, "the file contains no PEM private key (BEGIN PRIVATE KEY)")
}

// LoadPFX returns a Signer from a PKCS #12 file, called .pfx on Windows.
func LoadPFX(data []byte, password string) (*Signer, error) {
	key, certificate, chain, err := pkcs12.DecodeChain(data, password)
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword):
		return nil, fault("", ErrKey, "the password for the .pfx file is incorrect")
	case err != nil:
		return nil, fault("", ErrKey, "cannot read the .pfx file: %v", err)
	}
	s := &Signer{Certificate: certificate, Chain: slices.DeleteFunc(chain, certificate.Equal)}
	if s.Key, err = asSigner(key); err != nil {
		return nil, err
	}
	return s, s.checkKey()
}

func asSigner(key any) (crypto.Signer, error) {
	if s, ok := key.(crypto.Signer); ok {
		return s, nil
	}
	return nil, fault("", ErrKey, "the key is neither RSA nor ECDSA")
}

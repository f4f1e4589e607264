package msix

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"math/big"
	"net/http"
	"time"
)

// Messages of RFC 3161.
type (
	timestampRequest struct {
		Version     int
		Imprint     imprint
		Nonce       *big.Int
		Certificate bool
	}
	imprint struct {
		Hash   pkix.AlgorithmIdentifier
		Digest []byte
	}
	timestampResponse struct {
		Status struct {
			Status int
			Text   []asn1.RawValue `asn1:"optional"`
			Fail   asn1.BitString  `asn1:"optional"`
		}
		Token asn1.RawValue `asn1:"optional"`
	}
	accuracy struct {
		Seconds int           `asn1:"optional"`
		Millis  asn1.RawValue `asn1:"optional,tag:0"`
		Micros  asn1.RawValue `asn1:"optional,tag:1"`
	}
	timestampInfo struct {
		Version  int
		Policy   asn1.ObjectIdentifier
		Imprint  imprint
		Serial   *big.Int
		Time     time.Time     `asn1:"generalized"`
		Accuracy accuracy      `asn1:"optional"`
		Ordering bool          `asn1:"optional"`
		Nonce    *big.Int      `asn1:"optional"`
		TSA      asn1.RawValue `asn1:"optional,tag:0"`
		More     asn1.RawValue `asn1:"optional,tag:1"`
	}
)

const (
	timestampTimeout = time.Minute
	maxTimestamp     = 256 << 10
)

// timestamp asks the authority to confirm the time of a signature, and returns
// its token.
func (s *Signer) timestamp(ctx context.Context, signature []byte) ([]byte, error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63))
	if err != nil {
		return nil, err
	}
	request, err := asn1.Marshal(timestampRequest{1, imprint{sha256Algorithm, sha256Of(signature)}, nonce, true})
	if err != nil {
		return nil, err
	}
	bad := func(detail string) error {
		return &Error{Part: s.TimestampURL, Err: ErrTimestamp, Detail: detail, Hint: "try again, or use another authority"}
	}
	answer, err := s.post(ctx, request)
	if err != nil {
		return nil, bad("the request failed: " + err.Error())
	}
	var response timestampResponse
	if rest, err := asn1.Unmarshal(answer, &response); err != nil || len(rest) > 0 {
		return nil, bad("the response is not a time stamp")
	}
	if response.Status.Status > 1 || len(response.Token.FullBytes) == 0 {
		return nil, bad("the authority refused to confirm the time")
	}
	token, problem := readTimestamp(response.Token.FullBytes, signature)
	switch {
	case problem != "":
		return nil, bad("the response " + problem)
	case token.info.Nonce == nil || token.info.Nonce.Cmp(nonce) != 0:
		return nil, bad("the response is for another request")
	}
	return response.Token.FullBytes, nil
}

func (s *Signer) post(ctx context.Context, request []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timestampTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.TimestampURL, bytes.NewReader(request))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/timestamp-query")
	client := s.Client
	if client == nil {
		client = http.DefaultClient
	}
	response, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fault("", ErrTimestamp, "HTTP status %s", show(response.Status))
	}
	b, err := io.ReadAll(io.LimitReader(response.Body, maxTimestamp+1))
	if err == nil && len(b) > maxTimestamp {
		err = fault("", ErrLimit, "the response has more than %d bytes", maxTimestamp)
	}
	return b, err
}

// token is a time stamp for a signature.
type token struct {
	*cms
	info timestampInfo
}

// readTimestamp parses a token and checks that it confirms the signature. It does
// not check whether the authority is trusted.
func readTimestamp(der, signature []byte) (*token, string) {
	c, problem := parseCMS(der)
	if problem != "" {
		return nil, problem
	}
	t := &token{cms: c}
	if !c.contentType.Equal(oidTSTInfo) {
		return nil, "is not a time stamp"
	}
	if rest, err := asn1.Unmarshal(c.content, &t.info); err != nil || len(rest) > 0 {
		return nil, "is a time stamp that cannot be decoded"
	}
	hash := hashOf(t.info.Imprint.Hash.Algorithm)
	if hash == 0 || !bytes.Equal(t.info.Imprint.Digest, sumsOf(signature)[hash]) {
		return nil, "is a time stamp for another signature"
	}
	if !onlyTimestamps(c.certificate) {
		return nil, "is a time stamp from a certificate that does not allow time stamping"
	}
	return t, c.verify()
}

func onlyTimestamps(c *x509.Certificate) bool {
	return len(c.ExtKeyUsage) == 1 && c.ExtKeyUsage[0] == x509.ExtKeyUsageTimeStamping && len(c.UnknownExtKeyUsage) == 0
}

package custody

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"time"

	"github.com/digitorus/pkcs7"
	"github.com/digitorus/timestamp"
)

// Authority is a time-stamping authority (RFC 3161, over HTTP as in its 3.4).
type Authority struct {
	URL string
	// Roots are who may have issued its certificate. Nil: any authority is taken, and
	// whether this machine trusts it is noted.
	Roots  *x509.CertPool
	Client *http.Client // default: one that waits 30 s
}

const (
	stampTimeout = 30 * time.Second
	maxToken     = 256 << 10 // bytes; a token with a long chain of certificates has 10 KiB
)

// stamp has data stamped and returns the token, checked.
func (a *Authority) stamp(ctx context.Context, data []byte) ([]byte, Stamped, error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63))
	if err != nil {
		return nil, Stamped{}, err
	}
	sum := sha256.Sum256(data)
	query, err := (&timestamp.Request{HashAlgorithm: crypto.SHA256, HashedMessage: sum[:], Certificates: true, Nonce: nonce}).Marshal()
	if err != nil {
		return nil, Stamped{}, err
	}
	answer, err := a.post(ctx, query)
	if err != nil {
		return nil, Stamped{}, err
	}
	ts, err := parseToken(answer, timestamp.ParseResponse)
	if err != nil {
		return nil, Stamped{}, err
	}
	if ts.Nonce == nil || ts.Nonce.Cmp(nonce) != 0 {
		return nil, Stamped{}, errors.New("the authority has answered another request")
	}
	stamped, err := checkToken(ts.RawToken, data, a.Roots)
	if err != nil {
		return nil, Stamped{}, err
	}
	if a.Roots != nil && !stamped.Trusted {
		return nil, Stamped{}, fmt.Errorf("the certificate of %s does not lead to the configured authority (custody.timestamp.ca_file)", stamped.Authority)
	}
	return ts.RawToken, stamped, nil
}

func (a *Authority) post(ctx context.Context, query []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, stampTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URL, bytes.NewReader(query))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/timestamp-query")
	client := a.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", req.URL.Redacted(), resp.Status)
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxToken+1))
	if err == nil && len(answer) > maxToken {
		err = fmt.Errorf("an answer of more than %d bytes", maxToken)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", req.URL.Redacted(), err)
	}
	return answer, nil
}

// checkToken checks a token over data without asking anybody. A certificate that roots
// does not know is no error: the signature still binds whoever holds it.
func checkToken(token, data []byte, roots *x509.CertPool) (Stamped, error) {
	ts, err := parseToken(token, timestamp.Parse) // checks the signature by the certificates within
	if err != nil {
		return Stamped{}, err
	}
	sum := sha256.Sum256(data)
	if ts.HashAlgorithm != crypto.SHA256 || !bytes.Equal(ts.HashedMessage, sum[:]) {
		return Stamped{}, fmt.Errorf("%w: the time-stamp is over something else", ErrAltered)
	}
	signer, pool, err := signerOf(token)
	if err != nil {
		return Stamped{}, err
	}
	_, err = signer.Verify(x509.VerifyOptions{Roots: roots, Intermediates: pool, CurrentTime: ts.Time,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}})
	print := sha256.Sum256(signer.Raw)
	return Stamped{At: ts.Time.UTC(), Authority: signer.Subject.String(), Fingerprint: hex.EncodeToString(print[:]), Trusted: err == nil}, nil
}

// signerOf returns the certificate of who signed a token, and those that came with it.
func signerOf(token []byte) (*x509.Certificate, *x509.CertPool, error) {
	p7, err := pkcs7.Parse(token)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: time-stamp: %w", ErrAltered, err)
	}
	signer := p7.GetOnlySigner()
	if signer == nil {
		return nil, nil, fmt.Errorf("%w: time-stamp: it does not say who signed it", ErrAltered)
	}
	stamping := false
	for _, use := range signer.ExtKeyUsage {
		stamping = stamping || use == x509.ExtKeyUsageTimeStamping
	}
	if !stamping {
		return nil, nil, fmt.Errorf("%w: time-stamp: the certificate of %s is not for time-stamps", ErrAltered, signer.Subject)
	}
	pool := x509.NewCertPool()
	for _, c := range p7.Certificates {
		pool.AddCert(c)
	}
	return signer, pool, nil
}

// parseToken guards a parser that was not written for hostile input: its BER reader can
// run past the end of what it is given.
func parseToken(data []byte, parse func([]byte) (*timestamp.Timestamp, error)) (ts *timestamp.Timestamp, err error) {
	defer func() {
		if p := recover(); p != nil {
			ts, err = nil, fmt.Errorf("%w: time-stamp: %v", ErrAltered, p)
		}
	}()
	if len(data) > maxToken {
		return nil, fmt.Errorf("%w: a time-stamp of %d bytes", ErrAltered, len(data))
	}
	ts, err = parse(data)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: time-stamp: %w", ErrAltered, err)
	case len(ts.Certificates) == 0:
		return nil, fmt.Errorf("%w: time-stamp: without the certificate that its signature needs", ErrAltered)
	}
	return ts, nil
}

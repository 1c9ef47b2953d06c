package exhibit

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/vedette-cctv/vedette/custody"
)

// fingerprint is the whole SHA-256 of a key in hex. The ID of a key is its beginning, which
// is enough to find a key and too little to trust one.
func fingerprint(k custody.PublicKey) string {
	sum := sha256.Sum256(k.Key)
	return hex.EncodeToString(sum[:])
}

// Pin is what is known of the recorder's key from elsewhere. Its zero value knows nothing.
type Pin struct{ fingerprints map[string]bool }

// ParsePin reads a fingerprint (64 hex digits, in any groups) or the content of a file of
// public keys as `vedette keys export` writes it.
func ParsePin(s string) (Pin, error) {
	if plain := strings.ToLower(strings.NewReplacer(" ", "", ":", "", "-", "", "\n", "").Replace(s)); isSHA256(plain) {
		return Pin{map[string]bool{plain: true}}, nil
	}
	p := Pin{map[string]bool{}}
	if keys, err := custody.ParsePublicKeys([]byte(s)); err == nil {
		for _, k := range keys {
			p.fingerprints[fingerprint(k)] = true
		}
		return p, nil
	} else if json.Valid([]byte(s)) {
		return Pin{}, err
	}
	key, err := parsePEM([]byte(s))
	if err != nil {
		return Pin{}, fmt.Errorf("neither a fingerprint of 64 hex digits nor a file of public keys: %w", err)
	}
	return Pin{map[string]bool{fingerprint(custody.PublicKey{Key: key}): true}}, nil
}

// trusted are those keys of a list, newest first, that the pin vouches for: the pinned ones
// and, since each key signs for its successor, all after the oldest pinned one.
func (p Pin) trusted(keys []custody.PublicKey) map[string]bool {
	out := map[string]bool{}
	for i := len(keys) - 1; i >= 0; i-- {
		if p.fingerprints[fingerprint(keys[i])] || len(out) > 0 {
			out[keys[i].ID] = true
		}
	}
	return out
}

func (p Pin) set() bool { return len(p.fingerprints) > 0 }

var errNoKey = errors.New("no Ed25519 public key in it")

// parsePEM reads one public key as OpenSSL writes it.
func parsePEM(data []byte) ([]byte, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errNoKey
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	public, ok := key.(ed25519.PublicKey)
	if !ok {
		return nil, errNoKey
	}
	return public, nil
}

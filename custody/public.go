package custody

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// algorithm is the only one that signatures are made with (RFC 8032).
const algorithm = "ed25519"

// PurposeKey is what a key's signature over its successor is for.
const PurposeKey = "vedette-key-v1"

// PublicKey is the half of a key that everybody may have: with it, signatures are checked.
type PublicKey struct {
	ID    string    `json:"id"`             // hex of the first 8 bytes of SHA-256 of Key
	Key   []byte    `json:"key"`            // 32 bytes, Ed25519
	Since time.Time `json:"since"`          // it signs from then on
	Until time.Time `json:"until,omitzero"` // and no longer from then on; zero: it is in use
	// Endorsement is the signature of the key before it, so that who trusts the first key
	// can trust its successors; nil for the first.
	Endorsement *models.Signature `json:"endorsement,omitempty"`
}

func keyID(key []byte) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:8])
}

// endorsed is what the key before it signs: which key follows, and from when on.
func (k PublicKey) endorsed() []byte {
	return fmt.Appendf(nil, "%s\n%x\n%s\n", k.ID, k.Key, k.Since.UTC().Format(time.RFC3339Nano))
}

// PEM is the key as OpenSSL and most other programs read it (SubjectPublicKeyInfo).
func (k PublicKey) PEM() ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(ed25519.PublicKey(k.Key))
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", k.ID, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

func (k PublicKey) check() error {
	if len(k.Key) != ed25519.PublicKeySize {
		return fmt.Errorf("key %s has %d bytes, want %d", k.ID, len(k.Key), ed25519.PublicKeySize)
	}
	if id := keyID(k.Key); id != k.ID {
		return fmt.Errorf("key %s is in truth key %s", k.ID, id)
	}
	return nil
}

// maxKeys bounds a list of public keys: one a day for ten years.
const maxKeys = 4096

// ParsePublicKeys reads a list of public keys, newest first, as MarshalPublicKeys wrote
// it, and checks that each was signed for by the one before it.
func ParsePublicKeys(data []byte) ([]PublicKey, error) {
	var list []PublicKey
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&list); err != nil {
		return nil, fmt.Errorf("public keys: %w", err)
	}
	if err := CheckKeys(list); err != nil {
		return nil, err
	}
	return list, nil
}

// MarshalPublicKeys writes a list of public keys as JSON.
func MarshalPublicKeys(keys []PublicKey) ([]byte, error) {
	data, err := json.MarshalIndent(keys, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(data, '\n'), nil
}

// CheckKeys makes sure that a list of public keys, newest first, hangs together: each but
// the first was signed for by the one before it, and took over from it.
func CheckKeys(keys []PublicKey) error {
	if len(keys) == 0 || len(keys) > maxKeys {
		return fmt.Errorf("public keys: %d of them, want 1 to %d", len(keys), maxKeys)
	}
	for i, k := range keys {
		if err := k.check(); err != nil {
			return fmt.Errorf("public keys: %w", err)
		}
		first, newest := i == len(keys)-1, i == 0
		switch {
		case newest != k.Until.IsZero():
			return fmt.Errorf("public keys: key %s: only the newest is in use", k.ID)
		case first && k.Endorsement != nil:
			return fmt.Errorf("public keys: key %s is signed for by key %s, which is not in the list", k.ID, k.Endorsement.Key)
		case first:
			continue
		case k.Endorsement == nil:
			return fmt.Errorf("public keys: key %s is not signed for by the one before it", k.ID)
		}
		before := keys[i+1]
		if !before.Until.Equal(k.Since) || !before.Since.Before(k.Since) {
			return fmt.Errorf("public keys: key %s does not take over when key %s ends", k.ID, before.ID)
		}
		if k.Endorsement.Purpose != PurposeKey {
			return fmt.Errorf("public keys: key %s is signed for as %q", k.ID, k.Endorsement.Purpose)
		}
		if err := Verify([]PublicKey{before}, k.endorsed(), *k.Endorsement); err != nil {
			return fmt.Errorf("public keys: key %s: %w", k.ID, err)
		}
	}
	return nil
}

var (
	// ErrUnknownKey says that something is signed by a key that is not among the given ones.
	ErrUnknownKey = errors.New("signed by an unknown key")
	// ErrBadSignature says that a signature is not over these bytes: they, or it, were changed.
	ErrBadSignature = errors.New("the signature does not fit")
)

// Verify checks a signature over data, for its own purpose; the caller makes sure that it
// is the purpose that is wanted.
func Verify(keys []PublicKey, data []byte, sig models.Signature) error {
	if sig.Algorithm != algorithm {
		return fmt.Errorf("%w: algorithm %q", ErrBadSignature, sig.Algorithm)
	}
	i := slices.IndexFunc(keys, func(k PublicKey) bool { return k.ID == sig.Key })
	if i < 0 {
		return fmt.Errorf("%w: %q", ErrUnknownKey, sig.Key)
	}
	if err := keys[i].check(); err != nil {
		return err
	}
	if !ed25519.Verify(keys[i].Key, message(sig.Purpose, data), sig.Value) {
		return fmt.Errorf("%w (%s, key %s)", ErrBadSignature, sig.Purpose, sig.Key)
	}
	return nil
}

// message is what is really signed: a signature for one purpose is none for another.
func message(purpose string, data []byte) []byte {
	m := make([]byte, 0, len(purpose)+1+len(data))
	m = append(m, purpose...)
	m = append(m, '\n')
	return append(m, data...)
}

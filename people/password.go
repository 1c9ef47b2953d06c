package people

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Cost says how dear one verification is.
type Cost struct {
	Memory  uint32 // KiB
	Time    uint32 // passes over the memory
	Threads uint8
}

// OWASP is the choice of 19 MiB from the OWASP Password Storage Cheat Sheet: about 20 ms
// of one core.
var OWASP = Cost{Memory: 19 * 1024, Time: 2, Threads: 1}

// Sizes of a hash in bytes (RFC 9106, section 3.1).
const (
	hashSalt = 16
	hashKey  = 32
)

// Bounds on a stored hash, so that an edited file cannot make a login take a gigabyte.
const (
	maxHashMemory  = 256 * 1024 // KiB
	maxHashTime    = 16
	maxHashThreads = 16
)

// Bounds of a password in bytes. NIST SP 800-63B asks for length and against rules of
// composition; the upper bound only limits work.
const (
	minPassword = 12
	maxPassword = 256
)

var errHash = errors.New("not an argon2id hash")

// phc is a parsed hash in the PHC string format: $argon2id$v=19$m=…,t=…,p=…$salt$key.
type phc struct {
	Cost
	salt, key []byte
}

func parsePHC(s string) (phc, error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return phc{}, errHash
	}
	var h phc
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.Memory, &h.Time, &h.Threads); err != nil {
		return phc{}, errHash
	}
	if h.Memory < 8*uint32(h.Threads) || h.Memory > maxHashMemory ||
		h.Time < 1 || h.Time > maxHashTime || h.Threads < 1 || h.Threads > maxHashThreads {
		return phc{}, errHash
	}
	var err error
	if h.salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4]); err != nil || len(h.salt) < 8 || len(h.salt) > 64 {
		return phc{}, errHash
	}
	if h.key, err = base64.RawStdEncoding.Strict().DecodeString(parts[5]); err != nil || len(h.key) < 16 || len(h.key) > 64 {
		return phc{}, errHash
	}
	if h.String() != s { // base64 skips line ends, Sscanf takes signs: only one spelling is ours
		return phc{}, errHash
	}
	return h, nil
}

func (h phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.Memory, h.Time, h.Threads,
		base64.RawStdEncoding.EncodeToString(h.salt), base64.RawStdEncoding.EncodeToString(h.key))
}

func (h phc) derive(password string) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.Time, h.Memory, h.Threads, uint32(len(h.key)))
}

func (h phc) matches(password string) bool {
	return subtle.ConstantTimeCompare(h.derive(password), h.key) == 1
}

func hashPassword(password string, c Cost) phc {
	h := phc{Cost: c, salt: make([]byte, hashSalt), key: make([]byte, hashKey)}
	rand.Read(h.salt)
	h.key = h.derive(password)
	return h
}

// oneTimePassword draws 140 random bits and writes them in seven groups of four from
// an alphabet without the letters that people confuse (Crockford's base 32).
func oneTimePassword() string {
	const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	random := make([]byte, 28)
	rand.Read(random)
	var b strings.Builder
	for i, r := range random {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(alphabet[r%32]) // 256 is a multiple of 32: every letter is equally likely
	}
	return b.String()
}

package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Headers of a webhook's request.
const (
	HeaderSignature   = "Vedette-Signature"
	HeaderNotice      = "Vedette-Notice"  // the kind of notice
	HeaderIdempotency = "Idempotency-Key" // the ID of the message
)

// ErrSignature says that a request was not signed with the secret, or not lately.
var ErrSignature = errors.New("not a signature of this body by this secret")

// Sign gives the header by which a receiver knows who sent a body and when: t is the time
// in Unix seconds, v1 is HMAC-SHA-256 over "t.body" in lower-case hex.
func Sign(secret, body []byte, at time.Time) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac(secret, t, body))
}

func mac(secret []byte, t string, body []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(t + "."))
	h.Write(body)
	return h.Sum(nil)
}

// CheckSignature is the receiver's side: the error is ErrSignature when the header does not
// fit the body, or was made more than window before or after now. Unknown parts of the
// header are passed over, so that another version can be added beside v1.
func CheckSignature(secret, body []byte, header string, now time.Time, window time.Duration) error {
	if len(header) > 1024 {
		return ErrSignature
	}
	t, valid := "", false
	var sums []string
	for part := range strings.SplitSeq(header, ",") {
		switch name, v, _ := strings.Cut(strings.TrimSpace(part), "="); name {
		case "t":
			if t != "" {
				return ErrSignature
			}
			t = v
		case "v1":
			sums = append(sums, v)
		}
	}
	seconds, err := strconv.ParseInt(t, 10, 64)
	if err != nil {
		return ErrSignature
	}
	want := mac(secret, t, body)
	for _, s := range sums {
		if got, err := hex.DecodeString(s); err == nil && hmac.Equal(got, want) {
			valid = true
		}
	}
	if !valid {
		return ErrSignature
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > window || age < -window {
		return fmt.Errorf("signed %s ago: %w", age.Round(time.Second), ErrSignature)
	}
	return nil
}

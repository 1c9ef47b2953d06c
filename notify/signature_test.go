package notify

import (
	"errors"
	"strings"
	"testing"
	"time"
)

var day = time.Date(2026, 11, 22, 23, 40, 0, 0, time.UTC)

func TestSignature(t *testing.T) {
	secret, body := []byte("a secret of the site"), []byte(`{"id":"1"}`)
	// Made by: printf '1795390800.{"id":"1"}' | openssl dgst -sha256 -hmac 'a secret of the site'
	const good = "t=1795390800,v1=668521168d6e1057c2cee752bcdb247acdb4d4441976bfc4a64b53296930d030"
	if got := Sign(secret, body, day); got != good {
		t.Errorf("signed %s, want %s", got, good)
	}
	for _, tc := range []struct {
		name, header string
		secret, body []byte
		at           time.Duration
		ok           bool
	}{
		{"as it was sent", good, secret, body, time.Second, true},
		{"at the end of the window", good, secret, body, 5 * time.Minute, true},
		{"a replay after it", good, secret, body, 5*time.Minute + time.Second, false},
		{"from a clock that is ahead", good, secret, body, -5 * time.Minute, true},
		{"from one that is too far ahead", good, secret, body, -6 * time.Minute, false},
		{"another body", good, secret, []byte(`{"id":"2"}`), 0, false},
		{"another secret", good, []byte("guess"), body, 0, false},
		{"another time", strings.Replace(good, "t=1", "t=2", 1), secret, body, 0, false},
		{"a second time", "t=0," + good, secret, body, 0, false},
		{"beside a version of tomorrow", "v2=abc, " + good, secret, body, 0, true},
		{"beside a wrong one", good + ",v1=00", secret, body, 0, true},
		{"none", "", secret, body, 0, false},
		{"no number", "t=x,v1=00", secret, body, 0, false},
		{"too long", good + strings.Repeat(",v1=00", 500), secret, body, 0, false},
	} {
		err := CheckSignature(tc.secret, tc.body, tc.header, day.Add(tc.at), 5*time.Minute)
		if (err == nil) != tc.ok || err != nil && !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

func FuzzCheckSignature(f *testing.F) {
	secret, body := []byte("secret"), []byte("body")
	f.Add(Sign(secret, body, day))
	f.Add("t=,v1=")
	f.Add("t=-1,v1=zz,,=")
	f.Fuzz(func(t *testing.T, header string) {
		if CheckSignature([]byte("another"), body, header, day, time.Hour) == nil {
			t.Errorf("%q holds without the secret", header)
		}
	})
}

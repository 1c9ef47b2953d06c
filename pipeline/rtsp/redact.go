package rtsp

import (
	"net/url"
	"regexp"
	"strings"
)

// Hidden stands where credentials were, as in net/url.
const hidden = "xxxxx"

var (
	// A password may hold any character when nobody escaped it, so a URL's userinfo ends
	// at the last @ before white space. Rather hide too much than a part too little.
	inURL = regexp.MustCompile(`(?i)([a-z][a-z0-9+.\-]*://)\S*@`)
	// The same in a URL that is itself a parameter of another.
	inEscapedURL = regexp.MustCompile(`(?i)(%3a(?:%2f|/){2})\S*%40`)
	// Some cameras take credentials in the path or query, such as Xiongmai's
	// /user=admin_password=…_channel=1.
	inQuery = regexp.MustCompile(`(?i)((?:user|username|usr|login|password|passwd|pwd|pass|psw|auth|token|secret)(?:=|%3d))[^&;/?#\s"']*`)
)

// Redact hides what looks like credentials in a text: the userinfo of every URL, plain or
// percent-encoded, and the values of parameters named like credentials. A text that
// begins with a scheme is one URL as far as its last @, white space included.
func Redact(s string) string {
	if scheme, rest, ok := strings.Cut(s, "://"); ok && schemeOnly.MatchString(scheme) {
		if i := strings.LastIndexByte(rest, '@'); i >= 0 {
			s = scheme + "://" + hidden + rest[i:]
		}
	}
	s = inURL.ReplaceAllString(s, "${1}"+hidden+"@")
	s = inEscapedURL.ReplaceAllString(s, "${1}"+hidden+"%40")
	return inQuery.ReplaceAllString(s, "${1}"+hidden)
}

var schemeOnly = regexp.MustCompile(`(?i)^[a-z][a-z0-9+.\-]*$`)

// shortest is the length in bytes from which on a secret is searched for by itself; a
// shorter one would hide half of every text.
const shortest = 3

// secrets are all forms in which the credentials of one URL might appear in a text.
type secrets []string

// secretsOf reads the credentials of a URL; it works on one that does not parse, too.
func secretsOf(raw string) secrets {
	_, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return nil
	}
	end := strings.LastIndexByte(rest, '@')
	if end < 0 {
		return nil
	}
	_, pass, ok := strings.Cut(rest[:end], ":")
	if !ok {
		return nil
	}
	plain := pass
	if p, err := url.PathUnescape(pass); err == nil {
		plain = p
	}
	var out secrets
	for _, form := range []string{pass, plain, url.PathEscape(plain), url.QueryEscape(plain), url.UserPassword("", plain).String()[1:]} {
		if len(form) >= shortest {
			out = append(out, form)
		}
	}
	return out
}

// redact hides the credentials of one URL and whatever else Redact finds.
func (sec secrets) redact(s string) string {
	s = Redact(s)
	for _, secret := range sec {
		s = strings.ReplaceAll(s, secret, hidden)
	}
	return s
}

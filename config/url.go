package config

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
)

// streamURL is an rtsp:// or rtsps:// URL. A variable in it stands for literal text and is
// percent-encoded for the part of the URL that it stands in (RFC 3986, section 2), so a
// password may hold any character. A variable that is the whole URL is taken as it is.
func streamURL() shape[Secret] {
	return confidential("rtsp:// or rtsps:// URL", `^rtsps?://|\$\{`, joinURL, checkStreamURL)
}

// databaseDSN is a postgres:// URL or libpq's keyword=value pairs.
func databaseDSN() shape[Secret] {
	return confidential("PostgreSQL URL or keyword=value pairs", `.`, joinDSN, checkDSN)
}

// part of a URL that a variable can stand in.
type part int

const (
	partRaw part = iota // the whole URL, or what comes before ://
	partUser
	partHost
	partPath
	partQuery
)

// joinURL replaces the variables of a URL, each encoded for where it stands.
func joinURL(parts []piece, held []string) (string, error) {
	where, userinfo := urlParts(parts)
	splitUser := !strings.Contains(userinfo, ":")
	var b strings.Builder
	for i, p := range parts {
		if p.ref == "" {
			b.WriteString(p.literal)
			continue
		}
		switch where[i] {
		case partUser:
			// One variable may hold user:password. A user name cannot hold a colon
			// (RFC 7617, section 2), so the first one parts the two.
			if user, password, two := strings.Cut(held[i], ":"); two && splitUser {
				b.WriteString(escape(user, "") + ":" + escape(password, ""))
				splitUser = false
			} else {
				b.WriteString(escape(held[i], ""))
			}
		case partHost:
			if strings.ContainsAny(held[i], "/?#@\\ ") {
				return "", errors.New("the variable that stands for the host holds more than a host and a port")
			}
			b.WriteString(held[i])
		case partPath:
			b.WriteString(escape(held[i], "/:!$&'()*+,;="))
		case partQuery:
			b.WriteString(escape(held[i], ""))
		default:
			b.WriteString(held[i])
		}
	}
	return b.String(), nil
}

// urlParts says which part of the URL each piece stands in (for a literal: begins in), and
// what the literal text has for user and password. Only the literal text decides: what a
// variable holds cannot move the borders.
func urlParts(parts []piece) (where []part, userinfo string) {
	var masked strings.Builder
	starts := make([]int, len(parts))
	for i, p := range parts {
		starts[i] = masked.Len()
		if p.ref != "" {
			masked.WriteByte(0)
		} else {
			masked.WriteString(p.literal)
		}
	}
	s := masked.String()
	where = make([]part, len(parts))
	scheme := strings.Index(s, "://")
	if scheme < 0 {
		return where, ""
	}
	authority := scheme + len("://")
	end := len(s)
	if i := strings.IndexAny(s[authority:], "/?#"); i >= 0 {
		end = authority + i
	}
	user := authority + max(0, strings.LastIndexByte(s[authority:end], '@')+1)
	query := len(s)
	if i := strings.IndexByte(s[end:], '?'); i >= 0 {
		query = end + i
	}
	for i, at := range starts {
		switch {
		case at < authority:
			where[i] = partRaw
		case at < user:
			where[i] = partUser
		case at < end:
			where[i] = partHost
		case at < query:
			where[i] = partPath
		default:
			where[i] = partQuery
		}
	}
	return where, s[authority:user]
}

// escape percent-encodes all but the unreserved characters of RFC 3986 and those in keep.
func escape(s, keep string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			strings.IndexByte("-._~", c) >= 0, strings.IndexByte(keep, c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String()
}

// encodeHint is the way out of a password that breaks the URL it stands in.
const encodeHint = "in a password written here @ is %40, / is %2F, # is %23, ? is %3F and % is %25; ${VARIABLE} needs no such care"

// checkStreamURL finds what is wrong with a camera's URL. It never uses the error of
// url.Parse, which quotes a part of the URL.
func checkStreamURL(s string) (message, hint string) {
	scheme, rest, ok := strings.Cut(s, "://")
	switch {
	case !ok:
		return "want a URL that begins with rtsp:// or rtsps://", ""
	case scheme != "rtsp" && scheme != "rtsps":
		if !plainScheme(scheme) {
			return "want a URL that begins with rtsp:// or rtsps://", ""
		}
		return "want a URL that begins with rtsp:// or rtsps://, not " + scheme + "://", ""
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || strings.ContainsAny(s, " \t"):
		return "not a URL", encodeHint
	case strings.Contains(s, "#"):
		return "a stream's URL has no part after #", encodeHint
	case u.Hostname() == "":
		return "the URL names no host", ""
	case u.User == nil && strings.Contains(rest, "@") && !strings.Contains(u.RawQuery, "@"):
		// rtsp://viewer:12/34@host reads as host "viewer", port 12.
		return "an @ that follows no user and password", encodeHint
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return "the port must be 1 to 65535", ""
		}
	}
	return "", ""
}

// plainScheme says whether text before :// is a URL's scheme and may be shown.
func plainScheme(s string) bool {
	switch s {
	case "RTSP", "RTSPS", "http", "https", "rtmp", "rtmps", "srt", "onvif", "file", "udp", "tcp", "rtp", "ws", "wss":
		return true
	}
	return false
}

// joinDSN replaces the variables of a database's address: as in any URL, or quoted as
// libpq's keyword=value pairs want it.
func joinDSN(parts []piece, held []string) (string, error) {
	if strings.Contains(parts[0].literal, "://") {
		return joinURL(parts, held)
	}
	if len(parts) == 1 {
		return held[0] + parts[0].literal, nil
	}
	var b strings.Builder
	inQuotes := false
	for i, p := range parts {
		if p.ref == "" {
			inQuotes = quotesOpen(p.literal, inQuotes)
			b.WriteString(p.literal)
			continue
		}
		if !inQuotes && (held[i] == "" || strings.ContainsAny(held[i], " \t\r\n")) {
			return "", errors.New("a variable that is empty or holds a blank must stand in 'single quotes' here")
		}
		b.WriteString(strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(held[i]))
	}
	return b.String(), nil
}

// quotesOpen says whether a quoted value is still open after s.
func quotesOpen(s string, open bool) bool {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '\'':
			open = !open
		}
	}
	return open
}

func checkDSN(s string) (message, hint string) {
	scheme, _, isURL := strings.Cut(s, "://")
	if !isURL || strings.Contains(scheme, "=") {
		if !strings.Contains(s, "=") {
			return "want postgres://user:password@host/database or keyword=value pairs", ""
		}
		return "", ""
	}
	if scheme != "postgres" && scheme != "postgresql" {
		return "want a URL that begins with postgres://", ""
	}
	if _, err := url.Parse(s); err != nil {
		return "not a URL", encodeHint
	}
	return "", ""
}

package web

import (
	"mime"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is how many bytes the name of an attachment may have: file systems take 255, and
// a package puts something before it.
const maxName = 200

// cleanName is a file's name as it may stand in records, headers and packages: without
// folders, without what no one can see or what turns the rest around (U+202E makes
// "fdp.exe" of "exe.pdf"), and not too long, with its extension kept.
func cleanName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp):
			return -1
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsGraphic(r): // not assigned
			return -1
		}
		return r
	}, name)
	name = strings.Trim(name, " .")
	if len(name) > maxName {
		ext := path.Ext(name)
		if len(ext) > 20 {
			ext = ""
		}
		name = strings.Trim(cut(strings.TrimSuffix(name, ext), maxName-len(ext)), " .") + ext
	}
	if name == "" {
		return "file"
	}
	return name
}

// cut shortens a text to at most so many bytes, between two characters.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// asAttachment is a Content-Disposition by which a browser saves a file and never shows it
// (RFC 6266). The plain name is for clients that know nothing of filename*.
func asAttachment(name string) string {
	var extended strings.Builder
	for i := range len(name) {
		if c := name[i]; isAttrChar(c) {
			extended.WriteByte(c)
		} else {
			const hex = "0123456789ABCDEF"
			extended.WriteString("%" + string(hex[c>>4]) + string(hex[c&15]))
		}
	}
	return `attachment; filename="` + fileName(name) + `"; filename*=UTF-8''` + extended.String()
}

// isAttrChar says what may stand in filename* as it is (RFC 8187, attr-char).
func isAttrChar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$&+-.^_`|~", c) >= 0
}

// claimedType is the media type that a sender claims, without parameters, as a label for
// people. What is none is that of any file.
func claimedType(header string) string {
	kind, _, err := mime.ParseMediaType(header)
	if err != nil || len(kind) > 100 || !strings.Contains(kind, "/") {
		return anyFile
	}
	return kind
}

const anyFile = "application/octet-stream"

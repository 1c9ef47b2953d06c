package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
)

// Redacted writes a configuration without its secrets, for people who have to know how
// cameras and rules were set and must not get into the cameras. Comments go too: nobody can
// say what they hold. Of an
// address the host stays; its credentials go, wherever they stand.
//
// No variable and no secret file is read. The error says that data cannot be understood;
// nothing of it is shown then.
func Redacted(data []byte) ([]byte, error) {
	root, _ := parseYAML("", data)
	if root.form != formMapping {
		return nil, errors.New("configuration: it cannot be read, so it is not shown: it may hold secrets")
	}
	// Reading it marks the secrets. What variables hold is not known here, so mistakes about
	// values are none.
	d := &decoder{env: func(string) (string, bool) { return "", false }, secrets: map[place]bool{}}
	var f file
	wholeFile().fill(d, &f)
	wholeFile().read(d, root, "", &f)
	w := redactor{secrets: d.secrets}
	w.mapping(root, 0)
	return w.out.Bytes(), nil
}

type redactor struct {
	secrets map[place]bool
	out     bytes.Buffer
}

var (
	plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)
	// sounding is what a key is called that holds a secret, also where this program knows of
	// none.
	sounding = regexp.MustCompile(`(?i)pass(word|wd|phrase)|secret|token|credential|access_key|private|dsn`)
	userinfo = regexp.MustCompile(`(://)[^/\s]*@`)
	// Credentials stand in the query or, as Xiongmai's cameras want it, in the path
	// (/user=admin_password=…_channel=1.sdp).
	inPath = regexp.MustCompile(`(://[^\s/?]*)[/?][^\s]*=.*`)
)

func (w *redactor) mapping(v value, depth int) {
	for _, e := range v.entries {
		key := e.key
		if !plainKey.MatchString(key) {
			key = quotedYAML(key)
		}
		w.out.WriteString(strings.Repeat("  ", depth) + key + ":")
		w.value(e.value, depth+1, sounding.MatchString(e.key))
	}
}

// value writes what stands behind a key or the dash of a list.
func (w *redactor) value(v value, depth int, secret bool) {
	switch {
	case v.form == formMapping && len(v.entries) > 0:
		w.out.WriteByte('\n')
		w.mapping(v, depth)
	case v.form == formList && len(v.items) > 0 && !flat(v):
		w.out.WriteByte('\n')
		for _, item := range v.items {
			w.out.WriteString(strings.Repeat("  ", depth) + "-")
			w.value(item, depth+1, secret)
		}
	default:
		w.out.WriteString(" " + w.inline(v, secret) + "\n")
	}
}

// flat says whether a list fits one line: scalars, or points of scalars.
func flat(v value) bool {
	for _, item := range v.items {
		if item.form == formMapping || item.form == formList && !flat(item) {
			return false
		}
	}
	return true
}

func (w *redactor) inline(v value, secret bool) string {
	switch v.form {
	case formMapping:
		return "{}"
	case formList:
		items := make([]string, len(v.items))
		for i, item := range v.items {
			items[i] = w.inline(item, secret)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case formNull, formAbsent, formBroken:
		return "null"
	}
	text := v.text
	switch {
	case w.secrets[v.place] && strings.Contains(text, "://") && !secret:
		text = address(text)
	case w.secrets[v.place] || secret:
		text = hidden
	case v.form == formText:
		text = address(text)
	default:
		return text // a number or a boolean, as it is written
	}
	return quotedYAML(text)
}

// address hides what is confidential in an address; other text stays as it is.
func address(text string) string {
	return inPath.ReplaceAllString(userinfo.ReplaceAllString(text, "${1}"+hidden+"@"), "$1/"+hidden)
}

// quotedYAML writes text in double quotes. JSON's way to do so is one of YAML's.
func quotedYAML(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return `"` + hidden + `"`
	}
	return strings.TrimSuffix(b.String(), "\n")
}

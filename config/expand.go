package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// piece is a part of a text: literal, or a ${…} reference that stands for something.
type piece struct {
	literal string
	ref     string // between the braces
}

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// pieces splits a text at its references. $${ stands for a literal ${.
func pieces(s string) ([]piece, error) {
	var all []piece
	var plain strings.Builder
	for s != "" {
		at := strings.Index(s, "${")
		if at < 0 {
			break
		}
		if at > 0 && s[at-1] == '$' {
			plain.WriteString(s[:at-1] + "${")
			s = s[at+2:]
			continue
		}
		end := strings.IndexByte(s[at:], '}')
		if end < 0 {
			return nil, errors.New("${ without a closing }")
		}
		ref := s[at+2 : at+end]
		if !variable.MatchString(ref) && !strings.HasPrefix(ref, fileScheme) {
			// Not quoted: it may be a part of a password.
			return nil, errors.New("a ${…} that names no variable")
		}
		plain.WriteString(s[:at])
		if plain.Len() > 0 {
			all = append(all, piece{literal: plain.String()})
			plain.Reset()
		}
		all = append(all, piece{ref: ref})
		s = s[at+end+1:]
	}
	plain.WriteString(s)
	if plain.Len() > 0 {
		all = append(all, piece{literal: plain.String()})
	}
	return all, nil
}

// fileScheme begins a reference to a file that holds a secret.
const fileScheme = "file:"

// lookup is what a reference stands for.
func (d *decoder) lookup(ref string) (string, error) {
	if file, ok := strings.CutPrefix(ref, fileScheme); ok {
		held, err := d.secretFile(file)
		if err != nil {
			return "", fmt.Errorf("secret file %q: %w", file, err)
		}
		return held, nil
	}
	held, ok := d.env(ref)
	switch {
	case !ok:
		return "", fmt.Errorf("the environment has no variable %s", ref)
	case len(held) > maxBytes:
		return "", fmt.Errorf("the variable %s is larger than %d KiB", ref, maxBytes>>10)
	case !utf8.ValidString(held):
		return "", fmt.Errorf("the variable %s is not UTF-8 text", ref)
	}
	return held, nil
}

// secretFile reads a file that holds one secret. The line end that editors and echo
// leave behind is not part of it. Errors do not name the file.
func (d *decoder) secretFile(file string) (string, error) {
	if file == "" {
		return "", errors.New("file: without a path")
	}
	data, err := readSmall(d.absolute(file))
	if err != nil {
		return "", err
	}
	held := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	switch {
	case held == "":
		return "", errors.New("is empty")
	case strings.ContainsRune(held, 0) || !utf8.ValidString(held):
		return "", errors.New("is not UTF-8 text")
	}
	return held, nil
}

// expand replaces the references in a scalar. A text without any comes back as it is.
func (d *decoder) expand(v value, path string) (value, bool) {
	return d.expandBy(v, path, func(parts []piece, held []string) (string, error) {
		var b strings.Builder
		for i, p := range parts {
			b.WriteString(p.literal + held[i])
		}
		return b.String(), nil
	})
}

// expandBy replaces the references in a scalar and leaves it to put how what they stand
// for (in held, by the index of the piece) joins the literal pieces.
func (d *decoder) expandBy(v value, path string, put func(parts []piece, held []string) (string, error)) (value, bool) {
	if v.form != formText || !strings.Contains(v.text, "${") {
		return v, true
	}
	parts, err := pieces(v.text)
	if err != nil {
		d.mistake(v.place, path, "write $${ where ${ itself is meant", "%s", err)
		return v, false
	}
	held := make([]string, len(parts))
	referred, ok := false, true
	for i, p := range parts {
		if p.ref == "" {
			continue
		}
		referred = true
		if held[i], err = d.lookup(p.ref); err != nil {
			d.mistake(v.place, path, "", "%s", err)
			ok = false
		}
	}
	if !ok {
		return v, false
	}
	joined, err := put(parts, held)
	if err != nil {
		d.mistake(v.place, path, "", "%s", err)
		return v, false
	}
	if referred {
		v.written = v.text
	}
	v.text = joined
	return v, true
}

// secret is text that must not be shown. "file:PATH" as a whole stands for what that file
// holds.
func secret() shape[Secret] {
	return confidential("secret", "", nil, nil)
}

// confidential reads a Secret. put joins references to the text around them (nil: as they
// are), check finds what is wrong with the result without quoting it (nil: nothing is).
func confidential(kind, pattern string, put func([]piece, []string) (string, error),
	check func(string) (message, hint string)) shape[Secret] {
	keywords := map[string]any{"type": "string", "minLength": 1}
	if pattern != "" {
		keywords = map[string]any{"anyOf": []any{
			map[string]any{"type": "string", "pattern": pattern},
			map[string]any{"type": "string", "pattern": "^" + fileScheme},
		}}
	}
	s := shape[Secret]{schema: &schema{kind: kind, keywords: keywords, scalar: true}}
	s.read = func(d *decoder, v value, path string, into *Secret) {
		if d.secrets != nil {
			d.secrets[v.place] = true
		}
		if v.form != formText {
			d.want(v, path, "text", `put it in "quotes"`)
			return
		}
		var ok bool
		if file, whole := strings.CutPrefix(v.text, fileScheme); whole {
			v, ok = d.expandFile(v, path, file)
		} else if put != nil {
			v, ok = d.expandBy(v, path, put)
		} else {
			v, ok = d.expand(v, path)
		}
		if !ok {
			return
		}
		switch {
		case v.text == "" && v.written != "":
			d.mistake(v.place, path, "", "%s is empty", quoted(v.written))
			return
		case v.text == "":
			d.mistake(v.place, path, "", "is empty")
			return
		}
		if check != nil {
			if message, hint := check(v.text); message != "" {
				d.mistake(v.place, path, hint, "%s", message)
				return
			}
		}
		*into = Secret(v.text)
	}
	return s
}

// expandFile replaces a text that is "file:PATH" by what that file holds.
func (d *decoder) expandFile(v value, path, file string) (value, bool) {
	named := v
	named.text = file
	named, ok := d.expand(named, path)
	if !ok {
		return v, false
	}
	held, err := d.secretFile(named.text)
	if err != nil {
		d.mistake(v.place, path, "", "secret file %s: %s", quoted(file), err)
		return v, false
	}
	v.written, v.text = v.text, held
	return v, true
}

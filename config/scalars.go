package config

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// indexed is the path of a list entry.
func indexed(i int) string { return "[" + strconv.Itoa(i) + "]" }

// between says how many there must be.
func between(lo, hi int, what string) string {
	switch {
	case lo == hi:
		return fmt.Sprintf("exactly %d %s", lo, what)
	case lo == 0:
		return fmt.Sprintf("at most %d %s", hi, what)
	}
	return fmt.Sprintf("%d to %d %s", lo, hi, what)
}

// shown is a value in a message: as the file writes it, never what a variable held.
func (d *decoder) shown(v value) string {
	switch {
	case v.written != "":
		return "the value of " + quoted(v.written)
	case v.form == formText:
		return quoted(v.text)
	case v.form == formBool:
		return strconv.FormatBool(v.yes)
	case v.form == formInteger || v.form == formFloat:
		return number(v.number)
	}
	return v.form.String()
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// text is any text; when pattern is given the text must match it, and what says so in
// words.
func text(pattern *regexp.Regexp, what string) shape[string] {
	keywords := map[string]any{"type": "string"}
	if pattern != nil {
		keywords["pattern"] = pattern.String()
	}
	return scalar("text", what, keywords, func(d *decoder, v value, path string, into *string) {
		if v.form != formText {
			d.want(v, path, what, `put it in "quotes"`)
			return
		}
		if pattern != nil && !pattern.MatchString(v.text) {
			d.mistake(v.place, path, "", "want %s, got %s", what, d.shown(v))
			return
		}
		*into = v.text
	})
}

// filePath is a path, taken from the folder of the configuration file when it is relative.
func filePath() shape[string] {
	const what = "a path"
	keywords := map[string]any{"type": "string", "minLength": 1}
	return scalar("path", what, keywords, func(d *decoder, v value, path string, into *string) {
		switch {
		case v.form != formText:
			d.want(v, path, what, `put it in "quotes"`)
		case v.text == "":
			d.mistake(v.place, path, "", "want %s, got %s", what, d.shown(v))
		case strings.HasPrefix(v.text, "~"):
			d.mistake(v.place, path, "write ${HOME}", "~ is not expanded")
		default:
			*into = d.absolute(v.text)
		}
	})
}

func (d *decoder) absolute(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(d.dir, path)
}

// certificates is the path of a PEM file that holds at least one certificate.
func certificates() shape[string] {
	s := filePath()
	read := s.read
	s.read = func(d *decoder, v value, path string, into *string) {
		before := len(d.mistakes)
		read(d, v, path, into)
		if len(d.mistakes) > before || *into == "" {
			return
		}
		pem, err := readSmall(*into)
		switch {
		case err != nil:
			d.mistake(v.place, path, "", "%s: %s", d.shown(v), err)
		case !x509.NewCertPool().AppendCertsFromPEM(pem):
			d.mistake(v.place, path, "", "%s holds no PEM certificate", d.shown(v))
		}
	}
	return s
}

// readSmall reads a regular file of at most maxBytes: a secret or a certificate. Anything
// else that a path can lead to (a device, a pipe) might never end. Errors do not name the
// path, which may come from a variable.
func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, cause(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, cause(err)
	}
	if len(data) > maxBytes {
		return nil, fmt.Errorf("larger than %d KiB", maxBytes>>10)
	}
	return data, nil
}

// cause is an error of the file system without the path.
func cause(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return at.Err
	}
	return err
}

// onOff is a boolean.
func onOff() shape[bool] {
	const what = "true or false"
	return scalar(what, what, map[string]any{"type": "boolean"}, func(d *decoder, v value, path string, into *bool) {
		if v.written != "" {
			switch v.text {
			case "true":
				v.form, v.yes = formBool, true
			case "false":
				v.form, v.yes = formBool, false
			}
		}
		if v.form == formBool {
			*into = v.yes
			return
		}
		hint := ""
		if v.form == formText {
			switch strings.ToLower(v.text) {
			case "yes", "on", "true":
				hint = "write true, without quotes"
			case "no", "off", "false":
				hint = "write false, without quotes"
			}
		}
		d.mistake(v.place, path, hint, "want %s, got %s", what, d.shown(v))
	})
}

// float is a number in a range.
func float(lo, hi float64) shape[float64] {
	what := fmt.Sprintf("a number from %s to %s", number(lo), number(hi))
	keywords := map[string]any{"type": "number", "minimum": lo, "maximum": hi}
	return scalar("number, "+number(lo)+" to "+number(hi), what, keywords, func(d *decoder, v value, path string, into *float64) {
		if f, ok := d.numeric(v, path, what); ok {
			if !(f >= lo && f <= hi) { // written so that NaN is refused
				d.mistake(v.place, path, "", "want %s, got %s", what, d.shown(v))
				return
			}
			*into = f
		}
	})
}

// fraction is a part of something, 0 to 1.
func fraction(whole string) shape[float64] {
	s := float(0, 1)
	read := s.read
	s.read = func(d *decoder, v value, path string, into *float64) {
		if (v.form == formInteger || v.form == formFloat) && v.number > 1 {
			d.mistake(v.place, path, "it is a fraction of "+whole+": 0.01 is 1 %", "want a number from 0 to 1, got %s", d.shown(v))
			return
		}
		read(d, v, path, into)
	}
	return s
}

// count is a whole number in a range.
func count(lo, hi int) shape[int] {
	what := fmt.Sprintf("a whole number from %d to %d", lo, hi)
	keywords := map[string]any{"type": "integer", "minimum": lo, "maximum": hi}
	return scalar(fmt.Sprintf("whole number, %d to %d", lo, hi), what, keywords, func(d *decoder, v value, path string, into *int) {
		if f, ok := d.numeric(v, path, what); ok {
			if !(f >= float64(lo) && f <= float64(hi)) || f != math.Trunc(f) {
				d.mistake(v.place, path, "", "want %s, got %s", what, d.shown(v))
				return
			}
			*into = int(f)
		}
	})
}

// numeric is the number that a value stands for.
func (d *decoder) numeric(v value, path, what string) (float64, bool) {
	switch {
	case v.form == formInteger || v.form == formFloat:
		return v.number, true
	case v.written != "":
		f, err := strconv.ParseFloat(v.text, 64)
		if err != nil {
			d.mistake(v.place, path, "", "want %s, got %s", what, d.shown(v))
			return 0, false
		}
		return f, true
	}
	hint := ""
	if v.form == formText {
		if _, err := strconv.ParseFloat(v.text, 64); err == nil {
			hint = "write it without quotes"
		}
	}
	d.want(v, path, what, hint)
	return 0, false
}

// duration is a length of time with its unit.
func duration(lo, hi time.Duration) shape[time.Duration] {
	return inRange("duration", "a duration such as 500ms, 10s or 1m30s",
		`^([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$|^0$`, lo, hi, time.ParseDuration, Span)
}

// Span shows a duration as people write it: 10m, not 10m0s.
func Span(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// units of a size: IEC 80000-13 binary ones, and SI ones as disk makers count.
var units = []struct {
	name  string
	bytes float64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

// byteSize is a number of bytes with its unit.
func byteSize(lo, hi int64) shape[int64] {
	return inRange("size", "a size such as 64MiB or 20GiB",
		`^[0-9]+(\.[0-9]+)? ?(B|[KMGT]iB|[kMGT]B)$|^0$`, lo, hi, parseSize, showSize)
}

var sizePattern = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) ?(B|[KMGT]iB|[kMGT]B)$`)

func parseSize(s string) (int64, error) {
	if s == "0" {
		return 0, nil
	}
	m := sizePattern.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("size %q", s)
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return 0, err
	}
	for _, unit := range units {
		if unit.name == m[2] {
			n *= unit.bytes
		}
	}
	return int64(min(n, 1<<62)), nil
}

func showSize(n int64) string {
	for i := 3; i >= 0; i-- {
		if unit := int64(units[i].bytes); n >= unit && n%unit == 0 {
			return fmt.Sprintf("%d%s", n/unit, units[i].name)
		}
	}
	return fmt.Sprintf("%dB", n)
}

// oneOf is one of a few words.
func oneOf[T ~string](words ...T) shape[T] {
	plain := make([]string, len(words))
	enum := make([]any, len(words))
	for i, w := range words {
		plain[i], enum[i] = string(w), string(w)
	}
	what := strings.Join(plain, ", ")
	keywords := map[string]any{"enum": enum}
	return scalar("one of "+what, "one of "+what, keywords, func(d *decoder, v value, path string, into *T) {
		for _, w := range words {
			if v.form == formText && v.text == string(w) {
				*into = w
				return
			}
		}
		hint := ""
		if v.form == formText && v.written == "" {
			if near := nearest(v.text, plain); near != "" {
				hint = `did you mean "` + near + `"?`
			}
		}
		d.mistake(v.place, path, hint, "want one of %s, got %s", what, d.shown(v))
	})
}

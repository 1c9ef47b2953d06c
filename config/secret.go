package config

import (
	"fmt"
	"io"
	"log/slog"
)

const hidden = "[secret]"

// Secret is text that must not be shown. Whatever prints, logs or marshals it gets
// "[secret]"; only Reveal gives the text itself. (As the key of a map it would be shown:
// encoding/json prefers the string there.)
type Secret string

// Reveal returns the text, for the one place that has to send it.
func (s Secret) Reveal() string { return string(s) }

// String returns "[secret]".
func (s Secret) String() string { return hidden }

// GoString returns "[secret]".
func (s Secret) GoString() string { return hidden }

// Format writes "[secret]" whatever the verb: without it %d would print the text, as part
// of fmt's own complaint about the wrong verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue returns "[secret]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText returns "[secret]".
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalJSON returns "[secret]" in quotes.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// The types that hold secrets print as %+v whatever the verb. When fmt complains about a
// verb (such as %s for a pointer) it prints what is below without asking it how: there
// the Format of Secret would not be called.

// Format prints the configuration without its secrets.
func (c Config) Format(f fmt.State, _ rune) {
	type plain Config
	_, _ = fmt.Fprintf(f, "%+v", plain(c))
}

// Format prints the camera without its secrets.
func (c Camera) Format(f fmt.State, _ rune) {
	type plain Camera
	_, _ = fmt.Fprintf(f, "%+v", plain(c))
}

// Format prints the bucket without its secrets.
func (s S3) Format(f fmt.State, _ rune) {
	type plain S3
	_, _ = fmt.Fprintf(f, "%+v", plain(s))
}

// Format prints the index without its secrets.
func (p Postgres) Format(f fmt.State, _ rune) {
	type plain Postgres
	_, _ = fmt.Fprintf(f, "%+v", plain(p))
}

package custody

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrAltered says that what was checked is not what was recorded: something was changed,
// taken out or put in.
var ErrAltered = errors.New("altered")

// Findings are what a verification looked at and what it found, in words that need no
// knowledge of cryptography.
type Findings struct {
	Origin  string    `json:"origin"`  // the name of the log
	Size    uint64    `json:"size"`    // entries in the log when its newest checkpoint was signed
	Entries int       `json:"entries"` // that were checked
	Keys    []string  `json:"keys"`    // IDs of the keys that signed, newest first
	Stamps  []Stamped `json:"stamps,omitempty"`
	// Checked are sentences, each of something that was looked at and is right.
	Checked []string `json:"checked"`
	// Problems are sentences, each of something that is wrong; empty when nothing is.
	Problems []string `json:"problems,omitempty"`
	// Notes are sentences about what is neither, such as what could not be checked.
	Notes []string `json:"notes,omitempty"`
}

// Stamped says that an authority saw the log at a time.
type Stamped struct {
	At          time.Time `json:"at"`
	Size        uint64    `json:"size"`        // entries that the log had, all of them from before At
	Authority   string    `json:"authority"`   // as its certificate names it
	Fingerprint string    `json:"fingerprint"` // SHA-256 of its certificate, hex
	// Trusted says that its certificate leads to an authority that the checker trusts.
	Trusted bool `json:"trusted"`
}

// OK says that nothing is wrong.
func (f Findings) OK() bool { return len(f.Problems) == 0 }

func (f *Findings) check(format string, args ...any) {
	f.Checked = append(f.Checked, fmt.Sprintf(format, args...))
}

func (f *Findings) note(format string, args ...any) {
	f.Notes = append(f.Notes, fmt.Sprintf(format, args...))
}

func (f *Findings) stamped(s Stamped) {
	f.Stamps = append(f.Stamps, s)
	f.check("The first %s of the log existed at %s, says the time-stamp of %s.", entries(int(s.Size)), s.At.Format(time.RFC3339), s.Authority)
	if !s.Trusted {
		f.note("This machine does not know who vouches for %s. Compare its certificate's SHA-256 with what the authority publishes: %s", s.Authority, s.Fingerprint)
	}
}

func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

func areOrIs(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// plain is an error as a sentence.
func plain(err error) string {
	s := err.Error()
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

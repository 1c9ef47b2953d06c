package custody

import (
	"errors"
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
	Keys    []string  `json:"keys"`    // IDs of the keys that signed
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

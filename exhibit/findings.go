package exhibit

import (
	"fmt"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Findings are what a verification looked at and what it found, in sentences that need no
// knowledge of cryptography.
type Findings struct {
	// Package says what it is, as far as it could be read.
	Exported  time.Time           `json:"exported,omitzero"`
	By        string              `json:"by,omitempty"`
	Why       string              `json:"why,omitempty"`
	Reference string              `json:"reference,omitempty"`
	Software  string              `json:"software,omitempty"`
	Incidents []models.IncidentID `json:"incidents,omitempty"`
	Files     int                 `json:"files"`
	Bytes     int64               `json:"bytes"`
	// Keys are those that signed anything in the package.
	Keys []SigningKey `json:"keys,omitempty"`

	Checked  []string `json:"checked"`            // each of something that was looked at and is right
	Problems []string `json:"problems,omitempty"` // each of something that is wrong
	Notes    []string `json:"notes,omitempty"`    // neither, such as what could not be checked
}

// SigningKey is a key that signed something in a package.
type SigningKey struct {
	ID          string `json:"id"`
	Fingerprint string `json:"fingerprint"` // SHA-256, hex
	// Pinned says that it is the one that the checker knows from elsewhere, or that one
	// signed for it.
	Pinned bool `json:"pinned"`
}

// OK says that nothing is wrong.
func (f *Findings) OK() bool { return len(f.Problems) == 0 }

func (f *Findings) right(format string, args ...any) {
	f.Checked = append(f.Checked, fmt.Sprintf(format, args...))
}

func (f *Findings) wrong(format string, args ...any) {
	f.Problems = append(f.Problems, fmt.Sprintf(format, args...))
}

func (f *Findings) note(format string, args ...any) {
	f.Notes = append(f.Notes, fmt.Sprintf(format, args...))
}

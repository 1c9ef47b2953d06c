package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Mistake is one thing that is wrong in a file. Neither Message nor Hint ever holds a
// secret or the value of a variable.
type Mistake struct {
	File    string `json:"file"`
	Line    int    `json:"line"`   // from 1
	Column  int    `json:"column"` // in characters, from 1
	Path    string `json:"path"`   // such as cameras.gate.zones.door.rules[0].dwell; empty for the file
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"` // how to mend it, when there is one likely way
}

// Error is the mistake on one line: file:line:column: path: message (hint).
func (m Mistake) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", m.File, m.Line, m.Column)
	if m.Path != "" {
		b.WriteString(m.Path + ": ")
	}
	b.WriteString(m.Message)
	if m.Hint != "" {
		b.WriteString(" (" + m.Hint + ")")
	}
	return b.String()
}

// Mistakes is everything that is wrong in a file, in the file's order.
type Mistakes []Mistake

// Error is one line for each mistake.
func (ms Mistakes) Error() string {
	lines := make([]string, len(ms))
	for i, m := range ms {
		lines[i] = m.Error()
	}
	return strings.Join(lines, "\n")
}

// maxMistakes bounds what a file full of nonsense can make us collect and print.
const maxMistakes = 200

// sorted puts mistakes in the file's order and drops repetitions, which an alias used
// twice leads to.
func (ms Mistakes) sorted() Mistakes {
	slices.SortStableFunc(ms, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.CompactFunc(ms, func(a, b Mistake) bool {
		return a.Line == b.Line && a.Column == b.Column && a.Message == b.Message
	})
}

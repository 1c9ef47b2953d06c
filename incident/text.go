package incident

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vedette-cctv/vedette/models"
)

// What one incident may hold.
const (
	MaxText    = 20_000 // characters of a description, a statement, a conclusion
	MaxNote    = 4_000  // characters of a note or a reason
	MaxLine    = 200    // characters of a name, a tag, a reference
	MaxEntries = 500    // of each list
	MaxTags    = 50
)

// Errors that a caller tells apart. Each is wrapped with what it is about, in words that
// can be shown to people.
var (
	// ErrState is returned when a step is not possible in the incident's present state.
	ErrState = errors.New("not possible in this state")
	// ErrField is returned when what a step was given is not right or not enough.
	ErrField = errors.New("not as it must be")
	// ErrTaken is returned when somebody else has the incident.
	ErrTaken = errors.New("somebody else has it")
	// ErrFull is returned when a list of an incident has no more room.
	ErrFull = errors.New("there is no more room")
	// ErrNone is returned when an incident has no such entry.
	ErrNone = errors.New("the incident has no such entry")
)

// line is text of one line that must be there.
func line(field, text string) error {
	if strings.TrimSpace(text) == "" {
		return fmt.Errorf("%s: is missing: %w", field, ErrField)
	}
	return optional(field, text, MaxLine)
}

// prose is text that must be there.
func prose(field, text string, most int) error {
	if strings.TrimSpace(text) == "" {
		return fmt.Errorf("%s: is missing: %w", field, ErrField)
	}
	return optional(field, text, most)
}

// optional is text that may be empty. It is kept as it came, so it must be text: control
// characters other than line ends and tabs are refused, because they hide what a log says.
func optional(field, text string, most int) error {
	if n := utf8.RuneCountInString(text); n > most {
		return fmt.Errorf("%s: has %d characters, the most are %d: %w", field, n, most, ErrField)
	}
	if !utf8.ValidString(text) {
		return fmt.Errorf("%s: is not UTF-8 text: %w", field, ErrField)
	}
	if strings.ContainsFunc(text, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f
	}) {
		return fmt.Errorf("%s: holds control characters: %w", field, ErrField)
	}
	return nil
}

// room says whether a list can take one more.
func room[T any](what string, list []T) error {
	if len(list) >= MaxEntries {
		return fmt.Errorf("%s: there are %d, which is the most: %w", what, MaxEntries, ErrFull)
	}
	return nil
}

// enter adds one entry to the log, with the fields that took another value.
func enter(in *models.Incident, who, what, note string, at time.Time, changed ...models.Changed) {
	in.Log = append(in.Log, models.Action{At: at, Who: who, What: what, Note: note, Changed: differing(changed)})
	in.Edition = int64(len(in.Log))
}

// differing are those that really changed.
func differing(changed []models.Changed) []models.Changed {
	var out []models.Changed
	for _, c := range changed {
		if c.From != c.To {
			out = append(out, c)
		}
	}
	return out
}

// changed is one field, before and after.
func changed[T ~string](field string, from, to T) models.Changed {
	return models.Changed{Field: field, From: string(from), To: string(to)}
}

// now is the time of a step, which is never before the record was made: somebody may have
// set the clock back, and a promise that was kept before it was given is no record.
func now(in *models.Incident, at time.Time) time.Time { return later(since(in, at), at.UTC()) }

// notClosed refuses to change a file that is closed.
func notClosed(step string, in *models.Incident) error {
	if in.State == models.StateClosed {
		return fmt.Errorf("%s: the incident is closed; reopen it first: %w", step, ErrState)
	}
	return nil
}

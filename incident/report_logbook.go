package incident

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// LogSource says where a line of the log book comes from.
type LogSource string

// The sources.
const (
	LogJournal  LogSource = "journal"  // written into the book
	LogIncident LogSource = "incident" // the log of an incident
	LogHandover LogSource = "handover" // a shift that was handed over or taken
	LogCustody  LogSource = "custody"  // somebody came to the desk or left it
)

// LogLine is one line of the log book.
type LogLine struct {
	// Line counts from 1 on the page; Ref names it for ever: J12, #17/3, H4, C801.
	Line     int               `json:"line"`
	Ref      string            `json:"ref"`
	At       time.Time         `json:"at"`
	Logged   time.Time         `json:"logged,omitzero"` // when it was written, if that was later
	Source   LogSource         `json:"source"`
	What     string            `json:"what"`
	Who      string            `json:"who"`
	Measures string            `json:"measures,omitempty"`
	Incident models.IncidentID `json:"incident,omitempty"`
	Number   int64             `json:"number,omitempty"` // of the incident
	Camera   models.CameraID   `json:"camera,omitempty"`
	// Corrected is the entry that sets this one right; it stays readable.
	Corrected string `json:"corrected,omitempty"`
}

// LogBook is one day of a site.
type LogBook struct {
	Site     string    `json:"site"`
	Day      string    `json:"day"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"` // the first instant after it
	TimeZone string    `json:"time_zone"`
	Lines    []LogLine `json:"lines"`
	// Truncated says that the day has more lines than one page takes.
	Truncated bool `json:"truncated"`
}

// MaxLogBook is how many lines one page of the log book takes.
const MaxLogBook = 5_000

// Order sorts the lines by time, numbers them, and joins corrections to what they correct.
func (b *LogBook) Order() {
	slices.SortStableFunc(b.Lines, func(x, y LogLine) int {
		return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.Source, y.Source), cmp.Compare(x.Ref, y.Ref))
	})
	if len(b.Lines) > MaxLogBook {
		b.Lines, b.Truncated = b.Lines[:MaxLogBook], true
	}
	for i := range b.Lines {
		b.Lines[i].Line = i + 1
	}
	if b.Lines == nil {
		b.Lines = []LogLine{}
	}
}

// JournalLines are entries of the journal as lines. corrections names, for the number of an
// entry, the number of the latest one that corrects it.
func JournalLines(entries []models.JournalEntry, corrections map[int64]int64) []LogLine {
	out := make([]LogLine, len(entries))
	for i, e := range entries {
		l := LogLine{Ref: journalRef(e.Number), At: e.At, Source: LogJournal, What: spoken(string(e.Kind)) + ": " + e.Text, Who: e.Who, Measures: e.Measures}
		if e.Logged.Sub(e.At) >= time.Minute {
			l.Logged = e.Logged
		}
		if e.Corrects > 0 {
			l.What = "corrects " + journalRef(e.Corrects) + ", " + l.What
		}
		if n := corrections[e.Number]; n > 0 {
			l.Corrected = journalRef(n)
		}
		out[i] = l
	}
	return out
}

func journalRef(n int64) string { return fmt.Sprintf("J%d", n) }

// IncidentLine is an entry of an incident's log as a line; n is its place in that log.
func IncidentLine(id models.IncidentID, number, n int64, camera models.CameraID, a models.Action) LogLine {
	what := fmt.Sprintf("incident #%d: %s", number, a.What)
	if a.Note != "" {
		what += ": " + a.Note
	}
	l := LogLine{Ref: fmt.Sprintf("#%d/%d", number, n), At: a.At, Source: LogIncident, What: what, Who: a.Who, Incident: id, Number: number, Camera: camera}
	var measures []string
	for _, c := range a.Changed {
		switch {
		case c.From == "":
			measures = append(measures, c.Field+": "+beginning(c.To))
		case c.To == "":
			measures = append(measures, c.Field+": no longer "+beginning(c.From))
		default:
			measures = append(measures, c.Field+": "+beginning(c.From)+" → "+beginning(c.To))
		}
	}
	l.Measures = strings.Join(measures, "; ")
	return l
}

// HandoverLines are a hand-over as lines: given, and taken when it was.
func HandoverLines(h models.Handover) []LogLine {
	ref := fmt.Sprintf("H%d", h.Number)
	out := []LogLine{{Ref: ref, At: h.At, Source: LogHandover, What: fmt.Sprintf("handed over the shift, %d open, %d overdue", len(h.Sheet.Open)+h.Sheet.More, h.Sheet.Overdue),
		Who: h.By, Measures: beginning(h.Notes)}}
	if h.TakenBy != "" {
		out = append(out, LogLine{Ref: ref, At: h.Taken, Source: LogHandover, What: "took the shift from " + h.By, Who: h.TakenBy, Measures: beginning(h.Remark)})
	}
	return out
}

// DeskActs are the entries of the custody log that a log book shows: who came and went.
func DeskActs() []models.Act {
	return []models.Act{models.ActStarted, models.ActLoggedIn, models.ActLoggedOut, models.ActLoginFailed, models.ActLockedOut}
}

// CustodyLine is an entry of the custody log as a line.
func CustodyLine(c models.CustodyRecord) LogLine {
	return LogLine{Ref: fmt.Sprintf("C%d", c.Index), At: c.At, Source: LogCustody, What: spoken(string(c.Act)), Who: c.Who}
}

// CheckJournal says what is wrong with an entry that somebody writes at a time.
func CheckJournal(e models.JournalEntry, at time.Time) error {
	if !slices.Contains(models.JournalKinds(), e.Kind) {
		return fmt.Errorf("kind: is one of %v: %w", models.JournalKinds(), ErrField)
	}
	if e.At.After(at.Add(aheadOfUs)) {
		return fmt.Errorf("at: it has not happened yet: %w", ErrField)
	}
	if err := prose("text", e.Text, MaxNote); err != nil {
		return err
	}
	return optional("measures", e.Measures, MaxNote)
}

package incident

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Owed says what the clocks of an incident ask for at a time: warnings of deadlines that
// are near, whether one was missed that is not noted so, and when to ask again; zero: never,
// unless the record changes. It gives the same warnings each time, with the same IDs.
func (d Desk) Owed(in models.Incident, at time.Time) (warnings []models.Notice, missed bool, again time.Time) {
	ask := func(t time.Time) {
		if again.IsZero() || t.Before(again) {
			again = t
		}
	}
	warn := d.Policy.Levels[in.Severity].Warn
	for _, l := range in.Deadlines {
		if !l.Open() || l.Paused != "" || l.Missed || l.Due.IsZero() {
			continue
		}
		switch early := l.Due.Add(-min(warn, l.Within)); {
		case at.After(l.Due):
			missed = true
		case warn > 0 && at.Before(early):
			ask(early)
		default:
			if warn > 0 {
				warnings = append(warnings, about(in, models.NoticeDue, early, l))
			}
			ask(l.Due.Add(1)) // a promise may be kept until the instant itself
		}
	}
	return warnings, missed, again
}

// Longest is the longest time before a deadline at which anybody is warned.
func (d Desk) Longest() (longest time.Duration) {
	for _, l := range d.Policy.Levels {
		longest = max(longest, l.Warn)
	}
	return longest
}

// Overdue notes in the record that promises were not kept in time, in one entry of the log;
// false: there is nothing to note.
func Overdue(in *models.Incident, at time.Time) bool {
	missed := Miss(in, at)
	if len(missed) == 0 {
		return false
	}
	words := make([]string, len(missed))
	for i, p := range missed {
		words[i] = string(p)
	}
	enter(in, Program, "deadline missed: "+strings.Join(words, ", "), "", now(in, at))
	return true
}

// Occasions are what people are to be told of when a record takes another form; before is
// nil when it is new. The notices have the same IDs whoever asks, and however often.
//
// An incident that becomes worse is told of as if it had been opened so: who was told of it
// before has that notice, and who is told only of worse ones has not.
func Occasions(before *models.Incident, after models.Incident, at time.Time) []models.Notice {
	var out []models.Notice
	at = at.UTC()
	if after.State != models.StateNew && after.State != models.StateAcknowledged {
		return nil
	}
	if before == nil || after.Severity.Rank() > before.Severity.Rank() {
		out = append(out, notice(after, models.NoticeOpened, at))
	}
	a := after.Assignment
	var was models.Assignment
	if before != nil {
		was = before.Assignment
	}
	if a.Officer != "" && a.Officer != was.Officer && a.By != a.Officer {
		out = append(out, notice(after, models.NoticeAssigned, at, a.Officer, instant(a.At)))
	}
	if a.Escalated > was.Escalated {
		out = append(out, notice(after, models.NoticeEscalated, at, strconv.Itoa(a.Escalated), instant(a.At)))
	}
	for _, l := range after.Deadlines {
		if l.Open() && l.Missed && (before == nil || !missedBefore(*before, l.Promise)) {
			due := l.Due
			if due.IsZero() { // it stands: it was missed by so much when it was stopped
				due = at.Add(l.Left)
			}
			l.Due = due
			out = append(out, about(after, models.NoticeMissed, at, l))
		}
	}
	return out
}

func missedBefore(in models.Incident, p models.Promise) bool {
	return slices.ContainsFunc(in.Deadlines, func(l models.Deadline) bool { return l.Promise == p && l.Missed })
}

// about is a notice about a deadline. A deadline that has only moved with the machine's
// clock is the same one, of which nobody is told again.
func about(in models.Incident, kind models.NoticeKind, at time.Time, l models.Deadline) models.Notice {
	n := notice(in, kind, at, string(l.Promise), instant(l.Due.Add(-in.Course.Stepped[slices.Index(models.Promises(), l.Promise)])))
	n.Promise, n.Due = l.Promise, l.Due.UTC()
	return n
}

// notice makes one, with an ID that is made of what it is about.
func notice(in models.Incident, kind models.NoticeKind, at time.Time, of ...string) models.Notice {
	n := models.Notice{Kind: kind, At: at.UTC(), Incident: brief(in)}
	if in.Assignment.Officer != "" {
		n.To = []string{in.Assignment.Officer}
	}
	sum := sha256.Sum256([]byte(strings.Join(append([]string{string(kind), string(in.ID)}, of...), "\x00")))
	n.ID = hex.EncodeToString(sum[:16])
	return n
}

// instant is an instant as an ID has it: to the µs, as databases keep it.
func instant(at time.Time) string { return strconv.FormatInt(at.UnixMicro(), 10) }

// brief is what leaves the house of an incident: enough to react, and nothing of what was
// found out about people. It stays in the outbox longer than the record may be allowed to.
func brief(in models.Incident) models.Incident {
	out := models.Incident{ID: in.ID, Number: in.Number, Origin: in.Origin, Site: in.Site, Camera: in.Camera, Zone: in.Zone,
		Kind: in.Kind, Severity: in.Severity, State: in.State, Label: in.Label, Score: in.Score, Start: in.Start, Alarm: in.Alarm,
		Opened: in.Opened, Description: in.Description, Assignment: in.Assignment}
	out.Triage.Type, out.Triage.Sub = in.Triage.Type, in.Triage.Sub
	return out
}

package notify

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/vedette-cctv/vedette/models"
)

// What a text of somebody else may take in a message, in characters.
const (
	maxName        = 80
	maxDescription = 500
)

// plain makes one line of a text that came from elsewhere: no control character, line end
// or invisible mark that turns the direction of reading survives, and it is cut to most
// characters. Nothing in it can therefore begin another header of a mail.
func plain(text string, most int) string {
	var b strings.Builder
	n, gap := 0, false
	for _, r := range text {
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
			gap = true
			continue
		}
		if unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar {
			continue
		}
		if gap && n > 0 {
			b.WriteByte(' ')
			n++
		}
		gap = false
		if n >= most {
			b.WriteRune('…')
			break
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// happened says in a few words what a notice is about.
func happened(n models.Notice) string {
	switch n.Kind {
	case models.NoticeOpened:
		return "Alarm"
	case models.NoticeDue:
		return "Due soon: " + string(n.Promise)
	case models.NoticeMissed:
		return "Missed: " + string(n.Promise)
	case models.NoticeAssigned:
		if officer := plain(n.Incident.Assignment.Officer, maxName); officer != "" {
			return "Assigned to " + officer
		}
		return "Assigned"
	case models.NoticeEscalated:
		return "Escalated"
	case models.NoticeTest:
		return "Test"
	}
	return plain(string(n.Kind), maxName)
}

// called is what people call an incident.
func called(in models.Incident) string {
	if in.Number > 0 {
		return fmt.Sprintf("#%d", in.Number)
	}
	return plain(string(in.ID), maxName)
}

// what an incident is: its type when somebody has said it, else the rule's kind.
func what(in models.Incident) string {
	kind := string(in.Kind)
	if in.Triage.Type != "" {
		kind = in.Triage.Type
	}
	return strings.ReplaceAll(plain(kind, maxName), "_", " ")
}

// where an incident is, from the site to the zone.
func where(in models.Incident) string {
	var parts []string
	for _, p := range []string{in.Site, string(in.Camera), string(in.Zone)} {
		if p = plain(p, maxName); p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, " / ")
}

// headline is a notice on one line: a subject, or a line of a summary.
func headline(n models.Notice) string {
	in := n.Incident
	if n.Kind == models.NoticeTest {
		return "Test of this channel"
	}
	parts := []string{what(in)}
	if s := plain(string(in.Severity), maxName); s != "" {
		parts = append(parts, s)
	}
	if w := where(in); w != "" {
		parts = append(parts, w)
	}
	return happened(n) + " · " + called(in) + " " + strings.Join(parts, ", ")
}

// subject is the one line that a message shows first.
func (m Message) subject() string {
	if len(m.More) == 0 {
		return "[vedette] " + headline(m.Notice)
	}
	worst := plain(string(m.Notice.Incident.Severity), maxName)
	return fmt.Sprintf("[vedette] %d more in the last %s, worst: %s", 1+len(m.More), m.span(), worst)
}

// span is how long ago the oldest notice of a summary is, from the newest, in words.
func (m Message) span() string {
	from, to := m.Notice.At, m.Notice.At
	for _, n := range m.More {
		if n.At.Before(from) {
			from = n.At
		}
		if n.At.After(to) {
			to = n.At
		}
	}
	if minutes := int(to.Sub(from).Round(time.Minute) / time.Minute); minutes > 1 {
		return fmt.Sprintf("%d minutes", minutes)
	}
	return "minute"
}

// line is one fact of a message.
type line struct{ Name, Value string }

// facts are what the reader of a single notice has to know, in order.
func (m Message) facts() []line {
	n, in := m.Notice, m.Notice.Incident
	if n.Kind == models.NoticeTest {
		return []line{{"Channel", plain(m.Channel, maxName)}, {"Sent", m.clock(n.At)}}
	}
	all := []line{
		{"Incident", called(in)}, {"What", what(in)}, {"Severity", plain(string(in.Severity), maxName)},
		{"Where", where(in)}, {"Alarm", m.clock(in.Alarm)}, {"State", plain(string(in.State), maxName)},
		{"Officer", plain(in.Assignment.Officer, maxName)},
		{"Label", plain(in.Label, maxName)}, {"Description", plain(in.Description, maxDescription)},
	}
	switch n.Kind {
	case models.NoticeDue, models.NoticeMissed:
		all = append([]line{{"Deadline", string(n.Promise) + " by " + m.clock(n.Due)}}, all...)
	}
	return slices.DeleteFunc(all, func(l line) bool { return l.Value == "" })
}

// clock is a time as a reader of the message has it on the wall.
func (m Message) clock(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	place := m.Place
	if place == nil {
		place = time.UTC
	}
	return at.In(place).Format("2006-01-02 15:04:05 MST")
}

// link is the address of an incident in the console; empty when there is none.
func (m Message) link(in models.Incident) string {
	if m.Console == "" || in.ID == "" {
		return ""
	}
	return m.Console + "/incidents/" + string(in.ID)
}

// worstFirst sorts notices: by severity, then by what they say, then the oldest first.
func worstFirst(all []models.Notice) {
	slices.SortStableFunc(all, func(a, b models.Notice) int {
		if d := b.Incident.Severity.Rank() - a.Incident.Severity.Rank(); d != 0 {
			return d
		}
		if d := weight(b.Kind) - weight(a.Kind); d != 0 {
			return d
		}
		return a.At.Compare(b.At)
	})
}

func weight(k models.NoticeKind) int {
	switch k {
	case models.NoticeMissed:
		return 4
	case models.NoticeEscalated:
		return 3
	case models.NoticeDue:
		return 2
	case models.NoticeOpened:
		return 1
	}
	return 0
}

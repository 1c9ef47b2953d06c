package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Words says in a few words what a rule watches for, as one would to a guard: "a person
// stays for 30s, with absences of up to 3s". They do not say when: Timetable does.
func Words(r models.Rule) string {
	var b strings.Builder
	b.WriteString(subject(r) + " " + becomes(r))
	if r.Grace > 0 {
		b.WriteString(graceWords(r.Kind, Span(r.Grace)))
	}
	if r.MinScore > 0 {
		fmt.Fprintf(&b, ", score %s or more", number(r.MinScore))
	}
	if r.MinSize > 0 {
		fmt.Fprintf(&b, ", %.3g %% of the picture or larger", r.MinSize*100)
	}
	if r.CoolDown > 0 {
		fmt.Fprintf(&b, ", then silent for %s", Span(r.CoolDown))
	}
	return b.String()
}

// subject is who or what a rule is about.
func subject(r models.Rule) string {
	things := make([]string, len(r.Labels))
	for i, l := range r.Labels {
		things[i] = l
		if l == models.LabelUnknown {
			things[i] = "unknown thing"
		}
	}
	what := strings.Replace(enumerated(things), " and ", " or ", 1)
	switch r.Kind {
	case models.KindCrowd:
		if what != "" {
			what = " (" + what + ")"
		}
		return fmt.Sprintf("more than %d%s", r.Count, what)
	case models.KindReturning:
		if what == "" {
			what = "one"
		}
		return "the same " + what
	case models.KindLeftObject:
		if what == "" {
			what = "thing"
		}
		return article(what) + " is put down and"
	case models.KindRemovedObject:
		if what == "" {
			what = "thing"
		}
		return article(what) + " that stood there"
	}
	if what == "" {
		return "anything"
	}
	return article(what)
}

func article(what string) string {
	if strings.ContainsRune("aeiou", rune(what[0])) {
		return "an " + what
	}
	return "a " + what
}

// becomes is what makes a rule true.
func becomes(r models.Rule) string {
	switch r.Kind {
	case models.KindMotion:
		return "moves" + lasting(" for ", r.Dwell)
	case models.KindIntrusion:
		return "comes in" + lasting(" and stays for ", r.Dwell)
	case models.KindLoitering:
		if r.MaxRadius > 0 {
			return fmt.Sprintf("stays for %s within %s picture heights of one spot", Span(r.Dwell), number(r.MaxRadius))
		}
		return "stays for " + Span(r.Dwell)
	case models.KindReturning:
		return fmt.Sprintf("comes %d times within %s", r.Visits, Span(r.Window))
	case models.KindLine:
		switch r.Direction {
		case models.DirectionToLeft:
			return "crosses the line to its left side"
		case models.DirectionToRight:
			return "crosses the line to its right side"
		}
		return "crosses the line"
	case models.KindCrowd:
		return "at once" + lasting(" for ", r.For)
	case models.KindLeftObject:
		return fmt.Sprintf("stays for %s after its owner has gone", Span(r.For))
	case models.KindRemovedObject:
		return "is gone for " + Span(r.For)
	}
	return string(r.Kind) + " for " + Span(r.For)
}

// lasting is how long something must last, or nothing when a moment is enough.
func lasting(before string, d time.Duration) string {
	if d == 0 {
		return ""
	}
	return before + Span(d)
}

func graceWords(kind models.Kind, grace string) string {
	switch kind {
	case models.KindMotion:
		return ", with pauses of up to " + grace
	case models.KindCrowd:
		return ", with dips of up to " + grace
	case models.KindReturning:
		return ", each after more than " + grace + " away"
	}
	return ", with absences of up to " + grace
}

// Timetable says in a few words when a rule may become true: "weekdays 22:00–06:00
// Europe/Vienna", or "always".
func Timetable(of []models.Schedule) string {
	if len(of) == 0 {
		return "always"
	}
	parts := make([]string, len(of))
	for i, s := range of {
		hours := "all day"
		if s.From != s.To {
			hours = clock(s.From) + "–" + clock(s.To)
		}
		parts[i] = daysWords(s.Days) + " " + hours
		// The place once, after the last of those that share it.
		if i == len(of)-1 || of[i+1].TimeZone != s.TimeZone {
			parts[i] += " " + s.TimeZone
		}
	}
	return strings.Join(parts, ", ")
}

// clock is a time of day.
func clock(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60)
}

// daysWords names days by the shortest of their names.
func daysWords(days []time.Weekday) string {
	if len(days) == 0 {
		return "daily"
	}
	var names []string
	for _, w := range week {
		switch {
		case slices.Equal(w.days, days):
			return w.name
		case len(w.days) == 1 && slices.Contains(days, w.days[0]):
			names = append(names, w.name)
		}
	}
	return strings.Join(names, ", ")
}

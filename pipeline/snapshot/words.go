package snapshot

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vedette-cctv/vedette/models"
)

// ruleInWords says what a rule watches for, in one sentence without a full stop.
func ruleInWords(r models.Rule) string {
	who := oneOf(r.Labels)
	switch r.Kind {
	case models.KindMotion:
		return who + " moves" + lasting(" for", r.Dwell)
	case models.KindIntrusion:
		return who + " comes in" + lasting(" and stays for", r.Dwell)
	case models.KindLoitering:
		s := who + " stays" + lasting(" for", r.Dwell)
		if r.MaxRadius > 0 {
			s += " within " + number(100*r.MaxRadius) + " % of the picture's height around a spot"
		}
		return s
	case models.KindReturning:
		return fmt.Sprintf("%s comes for the %s time%s", who, ordinal(r.Visits), lasting(" within", r.Window))
	case models.KindLine:
		return who + " crosses the line" + direction(r.Direction)
	case models.KindCrowd:
		return fmt.Sprintf("more than %d at once%s", r.Count, lasting(" for", r.For))
	case models.KindLeftObject:
		return "a thing that was put down stays" + lasting(" for", r.For)
	case models.KindRemovedObject:
		return "a thing that stood there is gone" + lasting(" for", r.For)
	case models.KindCameraLost:
		return "the camera sends no pictures" + lasting(" for", r.For)
	case models.KindFrozen:
		return "the picture stands still" + lasting(" for", r.For)
	case models.KindCovered:
		return "something hides the view" + lasting(" for", r.For)
	case models.KindDefocused:
		return "the view is out of focus" + lasting(" for", r.For)
	case models.KindMoved:
		return "the camera looks elsewhere" + lasting(" for", r.For)
	case models.KindBlank:
		return "the picture is of one shade" + lasting(" for", r.For)
	case models.KindClock:
		return "the camera's clock is more than " + span(r.MaxOffset) + " from ours" + lasting(" for", r.For)
	}
	return kindWord(r.Kind)
}

// conditions are what else a rule asks for.
func conditions(r models.Rule) []string {
	var out []string
	if r.Grace > 0 {
		out = append(out, "grace "+span(r.Grace))
	}
	if r.MinScore > 0 {
		out = append(out, "score at least "+number(r.MinScore))
	}
	if r.MinSize > 0 {
		out = append(out, "at least "+number(100*r.MinSize)+" % of the picture")
	}
	if len(r.Schedule) > 0 {
		out = append(out, "on schedule")
	}
	if r.CoolDown > 0 {
		out = append(out, "cool-down "+span(r.CoolDown))
	}
	return out
}

func oneOf(labels []string) string {
	switch n := len(labels); n {
	case 0:
		return "something"
	case 1:
		return labels[0]
	default:
		return strings.Join(labels[:n-1], ", ") + " or " + labels[n-1]
	}
}

func lasting(before string, d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return before + " " + span(d)
}

func direction(d models.Direction) string {
	switch d {
	case models.DirectionToLeft:
		return " from its right side to its left"
	case models.DirectionToRight:
		return " from its left side to its right"
	}
	return ""
}

func ordinal(n int) string {
	switch {
	case n%100 >= 11 && n%100 <= 13:
	case n%10 == 1:
		return strconv.Itoa(n) + "st"
	case n%10 == 2:
		return strconv.Itoa(n) + "nd"
	case n%10 == 3:
		return strconv.Itoa(n) + "rd"
	}
	return strconv.Itoa(n) + "th"
}

// kindWord is a kind as people read it.
func kindWord(k models.Kind) string { return sentence(strings.ReplaceAll(string(k), "_", " ")) }

// sentence begins with a capital letter.
func sentence(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToUpper(first)) + s[n:]
}

// span is a duration in the two largest of hours, minutes and seconds.
func span(d time.Duration) string {
	if d < 0 {
		return "−" + span(-max(d, -math.MaxInt64))
	}
	parts := func(big time.Duration, bigUnit string, small time.Duration, smallUnit string) string {
		d := d.Round(small)
		s := fmt.Sprintf("%d %s", d/big, bigUnit)
		if rest := d % big / small; rest > 0 {
			s += fmt.Sprintf(" %d %s", rest, smallUnit)
		}
		return s
	}
	switch {
	case d >= time.Hour:
		return parts(time.Hour, "h", time.Minute, "min")
	case d >= time.Minute:
		return parts(time.Minute, "min", time.Second, "s")
	}
	return number(d.Round(10*time.Millisecond).Seconds()) + " s"
}

// number writes three significant digits, without zeros that say nothing.
func number(v float64) string {
	abs := math.Abs(v)
	digits := 2
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "–"
	case abs >= 1e6 || abs > 0 && abs < 1e-3:
		return strconv.FormatFloat(v, 'g', 3, 64)
	case abs >= 99.95:
		digits = 0
	case abs >= 9.995:
		digits = 1
	case abs < 0.0995 && abs > 0:
		digits = 4
	}
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.ContainsRune(s, '.') {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if s == "-0" {
		return "0"
	}
	return s
}

// quantity is a number with its unit; seconds become spans.
func quantity(v float64, unit string) string {
	switch {
	case unit == "s" && math.Abs(v) >= 60 && math.Abs(v) < 1e9:
		return span(time.Duration(v * float64(time.Second)))
	case unit == "":
		return number(v)
	}
	return number(v) + " " + unit
}

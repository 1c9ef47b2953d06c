package score

import (
	"math"
	"slices"
)

// Span is a stretch of time in seconds.
type Span struct{ Start, End float64 }

// Spans is the outcome of alarms against the times at which something was there.
type Spans struct {
	Due    int // spans in which something was there
	Found  int
	Missed []Span
	// Again are alarms for a span that another alarm has found already.
	Again int
	// False are alarms while nothing was there.
	False  []Alarm
	Delays []float64 // start of the alarm minus start of the span, for those found
}

// MatchSpans joins alarms to the spans that they overlap, one alarm to one span, nearest
// starts together. tolerance is how far, in seconds, the truth's times may be off.
func MatchSpans(truth []Span, alarms []Alarm, tolerance float64) Spans {
	touches := make([]bool, len(alarms))
	weight := make([][]float64, len(truth))
	for s, t := range truth {
		weight[s] = make([]float64, len(alarms))
		for a, al := range alarms {
			if al.Start <= t.End+tolerance && al.End >= t.Start-tolerance {
				touches[a] = true
				// As many pairs as can be; among those ways the one of the nearest starts.
				weight[s][a] = 1e9 - math.Abs(al.Start-t.Start)
			}
		}
	}
	out := Spans{Due: len(truth)}
	paired := make([]bool, len(alarms))
	for s, a := range assign(weight) {
		if a < 0 {
			out.Missed = append(out.Missed, truth[s])
			continue
		}
		paired[a] = true
		out.Found++
		out.Delays = append(out.Delays, alarms[a].Start-truth[s].Start)
	}
	for a, al := range alarms {
		switch {
		case paired[a]:
		case touches[a]:
			out.Again++
		default:
			out.False = append(out.False, al)
		}
	}
	return out
}

// F1 is the harmonic mean of precision and recall; a second alarm for a span that is found
// already counts neither way.
func (s Spans) F1() float64 {
	return ratio(2*s.Found, 2*s.Found+len(s.False)+len(s.Missed))
}

// Within returns the alarms that were raised inside one of the spans.
func Within(spans []Span, alarms []Alarm) []Alarm {
	var in []Alarm
	for _, a := range alarms {
		if slices.ContainsFunc(spans, func(s Span) bool { return a.At >= s.Start && a.At <= s.End }) {
			in = append(in, a)
		}
	}
	return in
}

// Package score compares what vedette found with ground truth. It is pure: numbers in,
// numbers out, tested against cases worked by hand and against truth scored on itself.
package score

import (
	"cmp"
	"math"
	"slices"
)

// Visit is one stay in a zone by the truth, in seconds of media time.
type Visit struct {
	Start, Due, End float64
	// Near visits are so close to the threshold that either answer is right: an alarm
	// for one is not false, the lack of one is not a miss.
	Near bool
}

// Alarm is one alarm of the rule, in seconds of media time.
type Alarm struct{ Start, At, End float64 }

// Visits is the outcome of one zone at one dwell.
type Visits struct {
	Due    int // visits that had to be alarmed
	Found  int
	Hits   []Hit
	Missed []Visit
	False  []Alarm
	Delays []float64 // alarm minus due of each visit that was found, in seconds
}

// Hit is a visit that had to be alarmed and was.
type Hit struct {
	Visit Visit
	Alarm Alarm
}

// slack is how far outside a visit an alarm may lie and still belong to it: the truth's
// own tolerance for the start, and what a box may be off while a person steps over the
// zone's edge.
const slack = 1.0

// MatchVisits joins alarms to visits, nearest to due first, one alarm to one visit. A visit
// that ended before it was due has no alarm to give: one for it is false, unless it is near.
func MatchVisits(truth []Visit, alarms []Alarm) Visits {
	truth = slices.DeleteFunc(slices.Clone(truth), func(v Visit) bool { return v.End < v.Due && !v.Near })
	type pair struct {
		v, a int
		off  float64
	}
	var pairs []pair
	for v, t := range truth {
		for a, al := range alarms {
			if al.At >= t.Due-slack && al.At <= math.Max(t.End, t.Due)+slack {
				pairs = append(pairs, pair{v, a, math.Abs(al.At - t.Due)})
			}
		}
	}
	// A visit that has to be alarmed comes before one that may be.
	slices.SortStableFunc(pairs, func(x, y pair) int {
		if n, m := truth[x.v].Near, truth[y.v].Near; n != m {
			if m {
				return -1
			}
			return 1
		}
		return cmp.Compare(x.off, y.off)
	})
	ofVisit, ofAlarm := map[int]int{}, map[int]int{}
	for _, p := range pairs {
		_, v := ofVisit[p.v]
		_, a := ofAlarm[p.a]
		if !v && !a {
			ofVisit[p.v], ofAlarm[p.a] = p.a, p.v
		}
	}
	var out Visits
	for v, t := range truth {
		if t.Near {
			continue
		}
		out.Due++
		if a, ok := ofVisit[v]; ok {
			out.Found++
			out.Hits = append(out.Hits, Hit{t, alarms[a]})
			out.Delays = append(out.Delays, alarms[a].At-t.Due)
		} else {
			out.Missed = append(out.Missed, t)
		}
	}
	for a, al := range alarms {
		if _, ok := ofAlarm[a]; !ok {
			out.False = append(out.False, al)
		}
	}
	return out
}

// Add joins the outcomes of two zones.
func (v Visits) Add(o Visits) Visits {
	return Visits{Due: v.Due + o.Due, Found: v.Found + o.Found,
		Hits:   append(slices.Clone(v.Hits), o.Hits...),
		Missed: append(slices.Clone(v.Missed), o.Missed...), False: append(slices.Clone(v.False), o.False...),
		Delays: append(slices.Clone(v.Delays), o.Delays...)}
}

// Precision is the share of alarms that were due, 1 when there were none.
func (v Visits) Precision() float64 { return ratio(v.Found, v.Found+len(v.False)) }

// Recall is the share of due visits that were alarmed, 1 when none was due.
func (v Visits) Recall() float64 { return ratio(v.Found, v.Due) }

// F1 is the harmonic mean of precision and recall.
func (v Visits) F1() float64 {
	if p, r := v.Precision(), v.Recall(); p+r > 0 {
		return 2 * p * r / (p + r)
	}
	return 0
}

// OnTime is the share of found visits whose alarm came within tolerance seconds of due; 0
// when visits were due and none was found.
func (v Visits) OnTime(tolerance float64) float64 {
	if v.Due > 0 && v.Found == 0 {
		return 0
	}
	n := 0
	for _, d := range v.Delays {
		if math.Abs(d) <= tolerance {
			n++
		}
	}
	return ratio(n, len(v.Delays))
}

func ratio(a, b int) float64 {
	if b == 0 {
		return 1
	}
	return float64(a) / float64(b)
}

// Quantile is the q-quantile (0..1) of xs by the nearest-rank method; NaN of nothing.
func Quantile(xs []float64, q float64) float64 {
	if len(xs) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(xs))
	return s[min(len(s)-1, max(0, int(math.Ceil(q*float64(len(s))))-1))]
}

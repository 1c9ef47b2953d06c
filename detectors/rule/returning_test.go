package rule_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/detectors/rule"
	"github.com/vedette-cctv/vedette/models"
)

// looksLike makes a look of four colours with most of it in one.
func looksLike(i int, much float32) models.Appearance {
	a := models.Appearance{(1 - much) / 3, (1 - much) / 3, (1 - much) / 3, (1 - much) / 3}
	a[i] = much
	return a
}

// calls makes one who is in the square from a time to a time, and comes from and goes to
// the outside.
func calls(id models.TrackID, from, to time.Duration, look models.Appearance) []act {
	return []act{
		{id: id, from: from - s, to: from - step, path: ways(models.Point{X: 0.2, Y: 0.5}, models.Point{X: 0.35, Y: 0.5}), look: look},
		{id: id, from: from, to: to, path: ways(inside), look: look},
		{id: id, from: to + step, to: to + s, path: ways(models.Point{X: 0.65, Y: 0.5}, models.Point{X: 0.8, Y: 0.5}), look: look},
	}
}

func TestReturning(t *testing.T) {
	r := models.Rule{Visits: 3, Window: 10 * time.Minute, Grace: 3 * s}
	red, dark, other := looksLike(0, 0.8), looksLike(0, 0.75), looksLike(1, 0.8)
	short := r
	short.Window = 30 * s
	three := slices.Concat(calls(1, 2*s, 8*s, red), calls(2, 20*s, 28*s, dark), calls(3, 40*s, 48*s, red))
	var strangers []act
	for i := range 4 {
		strangers = append(strangers, calls(models.TrackID(i+1), time.Duration(2+20*i)*s, time.Duration(8+20*i)*s, looksLike(i, 0.7))...)
	}
	hidden := []act{{id: 1, from: 2 * s, to: 10 * s, path: ways(inside), look: red}, {id: 2, from: 20 * s, to: 30 * s, path: ways(inside), look: red},
		{id: 3, from: 40 * s, to: 50 * s, path: ways(inside), look: red}}
	person := func(label string, acts []act) []act {
		acts = slices.Clone(acts)
		for i := range acts {
			acts[i].label, acts[i].score = label, 0.9
		}
		return acts
	}
	runAll(t, models.KindReturning, []scenario{
		{"the third visit", r, 60 * s, three, nil, []string{"40s→41s", "40s→41s…48s"}},
		{"and the fourth", r, 90 * s, slices.Concat(three, calls(4, 60*s, 70*s, red)), nil,
			[]string{"40s→41s", "40s→41s…48s", "1m0s→1m1s", "1m0s→1m1s…1m10s"}},
		{"two visits are not three", r, 60 * s, slices.Concat(calls(1, 2*s, 8*s, red), calls(2, 20*s, 28*s, red)), nil, nil},
		{"different people", r, 100 * s, strangers, nil, nil},
		{"one of the three is another", r, 60 * s, slices.Concat(calls(1, 2*s, 8*s, red), calls(2, 20*s, 28*s, other), calls(3, 40*s, 48*s, red)), nil, nil},
		{"the same clothes on a person and a car", r, 60 * s, slices.Concat(person("car", calls(1, 2*s, 8*s, red)), person("person", calls(2, 20*s, 28*s, red)), person("person", calls(3, 40*s, 48*s, red))), nil, nil},
		{"outside the window", short, 60 * s, three, nil, nil},
		{"one long visit", r, 10 * time.Minute, calls(1, 2*s, 9*time.Minute, red), nil, nil},
		{"out for less than the grace", r, 60 * s, slices.Concat(calls(1, 2*s, 8*s, red), calls(1, 10*s, 18*s, red), calls(1, 20*s, 28*s, red)), nil, nil},
		{"lost and found in mid-zone, never away", r, 60 * s, hidden, nil, nil},
		{"seen for too short a time", r, 60 * s, slices.Concat(calls(1, 2*s, 8*s, red), calls(2, 20*s, 28*s, red), calls(3, 40*s, 40*s+600*time.Millisecond, red)), nil, nil},
		{"nothing is known of their looks", r, 60 * s, slices.Concat(calls(1, 2*s, 8*s, nil), calls(2, 20*s, 28*s, nil), calls(3, 40*s, 48*s, nil)), nil, nil},
	})
}

// Two who were there at once are two, however alike: only one of them can have come back.
func TestReturningKnowsThatNobodyIsThereTwice(t *testing.T) {
	red := looksLike(0, 0.8)
	twins := slices.Concat(calls(1, 2*s, 8*s, red), calls(2, 3*s, 8*s, red), calls(3, 40*s, 48*s, red))
	for i := range twins {
		if twins[i].id == 2 {
			twins[i].path = ways(models.Point{X: 0.44, Y: 0.42})
		}
	}
	e := rule.New(watch(models.Rule{Kind: models.KindReturning, Visits: 3, Window: time.Hour, Grace: 3 * s}))
	if got := story(perform(t, e, 60*s, twins)); len(got) > 0 {
		t.Errorf("got %q", got)
	}
}

func TestReturningSaysWhom(t *testing.T) {
	e := rule.New(watch(models.Rule{Kind: models.KindReturning, Visits: 3, Window: time.Hour, Grace: 3 * s}))
	events := perform(t, e, 60*s, slices.Concat(
		calls(1, 2*s, 8*s, looksLike(0, 0.8)), calls(2, 20*s, 28*s, looksLike(0, 0.75)), calls(3, 40*s, 48*s, looksLike(0, 0.8))))
	if len(events) == 0 {
		t.Fatal("no event")
	}
	why := events[0].Why
	if len(why) != 3 || why[0].Observed != 3 || why[0].Threshold != 3 {
		t.Fatalf("why: %+v; want 3 visits of 3, and a line for each of the earlier two", why)
	}
	if f := why[1]; f.Observed > 0.01 || f.Threshold <= 0 || !strings.Contains(f.Note, "2026-03-01T12:00:02Z to 2026-03-01T12:00:08Z") {
		t.Errorf("the first visit: %+v", f)
	}
	if why[2].Observed <= why[1].Observed || why[2].Observed > why[2].Threshold {
		t.Errorf("the second visit looked a little different: %+v", why[2])
	}
	var values []float64
	for _, p := range events[0].Curve {
		values = append(values, p.Value)
	}
	if !slices.Equal(values, []float64{1, 2, 3}) {
		t.Errorf("curve %v, want the visits as they came", values)
	}
}

// The more there are to compare with, the more alike it takes.
func TestReturningAmongMany(t *testing.T) {
	r := models.Rule{Kind: models.KindReturning, Visits: 2, Window: time.Hour, Grace: s}
	play := func(others int) []models.Event {
		acts := calls(1, 2*s, 4*s, looksLike(0, 0.8))
		at := 10 * s
		for i := range others {
			acts = append(acts, calls(models.TrackID(10+i), at, at+2*s, looksLike(1, 0.9))...)
			at += 10 * s
		}
		acts = append(acts, calls(2, at, at+4*s, looksLike(0, 0.73))...)
		var whom []models.Event
		for _, ev := range perform(t, rule.New(watch(r)), at+10*s, acts) {
			if ev.Track == 2 && ev.Phase == models.PhaseBegan {
				whom = append(whom, ev)
			}
		}
		return whom
	}
	if got := play(0); len(got) != 1 {
		t.Errorf("alone with his own earlier visit: %d events, want 1", len(got))
	}
	if got := play(40); len(got) != 0 {
		t.Errorf("among forty others, no more alike than chance: %q", story(got))
	}
}

package score

import (
	"math"
	"testing"
)

func TestMatchVisits(t *testing.T) {
	a := Visit{Start: 0, Due: 10, End: 30}
	near := Visit{Start: 50, Due: 60, End: 60.5, Near: true}
	for _, tc := range []struct {
		name            string
		truth           []Visit
		alarms          []Alarm
		due, found, bad int
		f1              float64
	}{
		{"truth against itself", []Visit{a, near}, []Alarm{{0, 10, 30}}, 1, 1, 0, 1},
		{"missed", []Visit{a}, nil, 1, 0, 0, 0},
		{"late but within the visit", []Visit{a}, []Alarm{{0, 28, 30}}, 1, 1, 0, 1},
		{"after the visit is false", []Visit{a}, []Alarm{{0, 33, 40}}, 1, 0, 1, 0},
		{"too early is false", []Visit{a}, []Alarm{{0, 8, 30}}, 1, 0, 1, 0},
		{"a second alarm for one visit is false", []Visit{a}, []Alarm{{0, 10, 12}, {12, 22, 30}}, 1, 1, 1, 2. / 3},
		{"a visit that was too short", []Visit{{0, 10, 9, false}}, nil, 0, 0, 0, 1},
		{"an alarm for a visit that was too short is false", []Visit{{0, 10, 9, false}}, []Alarm{{0, 10, 11}}, 0, 0, 1, 0},
		{"near: an alarm is not false", []Visit{near}, []Alarm{{50, 60, 60.5}}, 0, 0, 0, 1},
		{"two people due together need two alarms", []Visit{a, {0.3, 10.3, 25, false}}, []Alarm{{0, 10, 30}}, 2, 1, 0, 2. / 3},
		{"an alarm goes to the visit that was due, not to the near one", []Visit{{0, 10, 20, true}, {0, 10.2, 20, false}}, []Alarm{{0, 10, 20}}, 1, 1, 0, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := MatchVisits(tc.truth, tc.alarms)
			if got.Due != tc.due || got.Found != tc.found || len(got.False) != tc.bad || math.Abs(got.F1()-tc.f1) > 1e-9 {
				t.Errorf("got due %d found %d false %d F1 %.3f; want %d %d %d %.3f", got.Due, got.Found, len(got.False), got.F1(), tc.due, tc.found, tc.bad, tc.f1)
			}
		})
	}
}

func TestQuantile(t *testing.T) {
	xs := []float64{5, 1, 4, 2, 3}
	for q, want := range map[float64]float64{0: 1, 0.5: 3, 0.99: 5, 1: 5} {
		if got := Quantile(xs, q); got != want {
			t.Errorf("quantile %g: got %g, want %g", q, got, want)
		}
	}
	if !math.IsNaN(Quantile(nil, 0.5)) {
		t.Error("quantile of nothing is not a number")
	}
}

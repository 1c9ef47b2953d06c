package rule_test

import (
	"math"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/detectors/rule"
	"github.com/vedette-cctv/vedette/models"
)

func TestLoiteringWithinARadius(t *testing.T) {
	// The square is 0.36 picture heights wide (16:9) and 0.2 high.
	r := models.Rule{Dwell: 10 * s, Grace: 2 * s, MaxRadius: 0.06}
	a, b := models.Point{X: 0.42, Y: 0.5}, models.Point{X: 0.58, Y: 0.5}
	near := models.Point{X: 0.44, Y: 0.5}
	var pacing []models.Point
	for range 10 {
		pacing = append(pacing, a, b)
	}
	runAll(t, models.KindLoitering, []scenario{
		{"stands", r, 20 * s, []act{{id: 1, to: 15 * s, path: ways(inside)}}, nil,
			[]string{"0s→10s", "0s→10s…15s"}},
		{"shifts within the circle", r, 20 * s, []act{{id: 1, to: 15 * s, path: ways(a, near, a, near, a, near)}}, nil,
			[]string{"0s→10s", "0s→10s…15s"}},
		{"paces up and down the whole zone", r, 60 * s, []act{{id: 1, to: 57 * s, path: pacing}}, nil, nil},
		{"walks on and then stands", r, 30 * s, []act{{id: 1, to: 4 * s, path: ways(a, b)}, {id: 1, from: 4200 * time.Millisecond, to: 20 * s, path: ways(b)}}, nil,
			[]string{"3s→13s", "3s→13s…20s"}},
		{"walks from one place to another, a little at each", r, 40 * s, []act{{id: 1, to: 32 * s, path: ways(a, a, b, b, a, a, b, b, a)}}, nil, nil},
		{"a foot point that jumps for a moment is no step", r, 20 * s, []act{{id: 1, to: 5 * s, path: ways(a)},
			{id: 1, from: 5200 * time.Millisecond, to: 5400 * time.Millisecond, path: ways(b)}, {id: 1, from: 5600 * time.Millisecond, to: 15 * s, path: ways(a)}}, nil,
			[]string{"0s→10s", "0s→10s…15s"}},
		{"the schedule begins while somebody loiters", models.Rule{Dwell: 5 * s, Grace: s, Schedule: []models.Schedule{{From: 12*time.Hour + 12*s, To: 13 * time.Hour}}},
			20 * s, []act{{id: 1, from: 2 * s, to: 18 * s, path: ways(inside)}}, nil,
			[]string{"2s→12s", "2s→12s…18s"}},
		{"two whom the cool-down keeps apart", models.Rule{Dwell: 5 * s, Grace: s, CoolDown: 10 * s},
			20 * s, []act{{id: 1, to: 20 * s, path: ways(a)}, {id: 2, from: 2 * s, to: 20 * s, path: ways(b)}}, nil,
			[]string{"0s→5s", "2s→15s"}},
	})
}

// The radius that is shown is that of the smallest circle.
func TestRadiusIsThatOfTheSmallestCircle(t *testing.T) {
	// Corners of an upright triangle with right angle, seconds apart: half its longest side.
	p := func(x, y float64) models.Point { return models.Point{X: 0.5 + x*9/16, Y: 0.5 + y} }
	e := rule.New(watch(models.Rule{Kind: models.KindLoitering, Dwell: 10 * s, Grace: s, MaxRadius: 0.1}))
	events := perform(t, e, 13*s, []act{
		{id: 1, to: 4 * s, path: ways(p(0, 0))},
		{id: 1, from: 4200 * time.Millisecond, to: 8 * s, path: ways(p(0.06, 0))},
		{id: 1, from: 8200 * time.Millisecond, to: 13 * s, path: ways(p(0, 0.08))}})
	if len(events) != 1 {
		t.Fatalf("%d events, want 1", len(events))
	}
	for _, fact := range events[0].Why {
		if fact.Name == "radius" {
			if math.Abs(fact.Observed-0.05) > 1e-6 || fact.Threshold != 0.1 {
				t.Errorf("radius %g of %g, want 0.05 of 0.1", fact.Observed, fact.Threshold)
			}
			return
		}
	}
	t.Error("the event does not say the radius")
}

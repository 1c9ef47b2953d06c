package rule_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/detectors/rule"
	"github.com/vedette-cctv/vedette/models"
)

func TestLine(t *testing.T) {
	// Upright through the middle of the square, walked from bottom to top: its left is the
	// left of the picture.
	up := []models.Point{{X: 0.5, Y: 0.9}, {X: 0.5, Y: 0.1}}
	anyway := models.Rule{Line: up, Direction: models.DirectionAny}
	left := models.Rule{Line: up, Direction: models.DirectionToLeft}
	right := models.Rule{Line: up, Direction: models.DirectionToRight}
	at := func(x, y float64) models.Point { return models.Point{X: x, Y: y} }
	// Clear of the line is 0.02 picture heights, 0.01125 of its width. Walks 0.1 a second.
	rightward := act{id: 1, to: 4 * s, path: ways(at(0.3, 0.5), at(0.7, 0.5))}
	leftward := act{id: 1, to: 4 * s, path: ways(at(0.7, 0.5), at(0.3, 0.5))}
	crossed := []string{"2s→2.2s", "2s→2.2s…2.2s"}
	night := right
	night.Schedule = []models.Schedule{{From: 12*time.Hour + 3*s, To: 13 * time.Hour}}
	person := right
	person.Labels = []string{"person"}
	cool := anyway
	cool.CoolDown = 3 * s
	var jitter []models.Point
	rng := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		jitter = append(jitter, at(0.5+0.008*(2*rng.Float64()-1), 0.5))
	}
	corner := models.Rule{Line: []models.Point{{X: 0.45, Y: 0.55}, {X: 0.5, Y: 0.5}, {X: 0.45, Y: 0.45}}}
	runAll(t, models.KindLine, []scenario{
		{"to the right", right, 6 * s, []act{rightward}, nil, crossed},
		{"to the left", left, 6 * s, []act{leftward}, nil, crossed},
		{"either way", anyway, 6 * s, []act{leftward}, nil, crossed},
		{"against the direction", left, 6 * s, []act{rightward}, nil, nil},
		{"there and back is one each way", anyway, 10 * s, []act{{id: 1, to: 8 * s, path: ways(at(0.3, 0.5), at(0.7, 0.5), at(0.3, 0.5))}}, nil,
			[]string{"2s→2.2s", "2s→2.2s…2.2s", "6s→6.2s", "6s→6.2s…6.2s"}},
		{"there and back, one way asked for", left, 10 * s, []act{{id: 1, to: 8 * s, path: ways(at(0.3, 0.5), at(0.7, 0.5), at(0.3, 0.5))}}, nil,
			[]string{"6s→6.2s", "6s→6.2s…6.2s"}},
		{"stands on the line and sways", anyway, 22 * s, []act{{id: 1, to: 20 * s, path: jitter}}, nil, nil},
		{"comes to the line, sways, goes back", anyway, 26 * s, []act{{id: 1, to: 25 * s,
			path: slices.Concat(ways(at(0.4, 0.5), at(0.45, 0.5)), jitter, ways(at(0.45, 0.5), at(0.4, 0.5)))}}, nil, nil},
		{"first seen on the line", anyway, 6 * s, []act{{id: 1, to: 4 * s, path: ways(at(0.495, 0.5), at(0.7, 0.5))}}, nil, nil},
		{"crosses the line outside the zone", anyway, 6 * s, []act{{id: 1, to: 4 * s, path: ways(at(0.3, 0.7), at(0.7, 0.7))}}, nil, nil},
		{"goes around the end of the line", anyway, 8 * s, []act{{id: 1, to: 6 * s,
			path: ways(at(0.4, 0.5), at(0.4, 0.95), at(0.6, 0.95), at(0.6, 0.5))}}, nil, nil},
		{"hidden while it crosses", right, 6 * s, []act{{id: 1, to: 4 * s, hidden: [2]time.Duration{1100 * time.Millisecond, 2900 * time.Millisecond}, path: rightward.path}}, nil,
			[]string{"2s→3s", "2s→3s…3s"}},
		{"lost before, found beyond under a new number", right, 6 * s, []act{
			{id: 1, to: 1800 * time.Millisecond, path: ways(at(0.42, 0.5), at(0.48, 0.5))}, {id: 2, from: 2400 * time.Millisecond, to: 4 * s, path: ways(at(0.52, 0.5), at(0.6, 0.5))}}, nil,
			[]string{"2.1s→2.4s", "2.1s→2.4s…2.4s"}},
		{"believed just after", right, 6 * s, []act{{id: 1, to: 4 * s, believed: 3 * s, path: rightward.path}}, nil,
			[]string{"2s→3s", "2s→3s…3s"}},
		{"named just after", person, 6 * s, []act{{id: 1, to: 4 * s, label: "person", labelled: 3 * s, score: 0.9, path: rightward.path}}, nil,
			[]string{"2s→3s", "2s→3s…3s"}},
		{"named too late", person, 10 * s, []act{{id: 1, to: 8 * s, label: "person", labelled: 6 * s, score: 0.9, path: ways(at(0.3, 0.5), at(0.7, 0.5), at(0.7, 0.5))}}, nil, nil},
		{"before the schedule begins, however long it stays", night, 10 * s, []act{rightward, {id: 1, from: 4200 * time.Millisecond, to: 9 * s, path: ways(at(0.7, 0.5))}}, nil, nil},
		{"the second within the cool-down is let pass", cool, 20 * s, []act{rightward, {id: 2, from: 2 * s, to: 6 * s, path: leftward.path}, {id: 3, from: 8 * s, to: 12 * s, path: leftward.path}}, nil,
			append(slices.Clone(crossed), "10s→10.2s", "10s→10.2s…10.2s")},
		{"through the corner of a polyline", corner, 6 * s, []act{rightward}, nil, []string{"2s→2.2s", "2s→2.2s…2.2s"}},
		{"over the corner of a polyline in and out", corner, 6 * s, []act{{id: 1, to: 4 * s, path: ways(at(0.48, 0.4), at(0.48, 0.6))}}, nil, nil},
		{"touches the corner of a polyline", corner, 6 * s, []act{{id: 1, to: 4 * s, path: ways(at(0.5, 0.4), at(0.5, 0.6))}}, nil, nil},
	})
}

// What the picture's geometry says of left and right must be what the models say: for
// somebody who walks along the line.
func TestLineTellsTheSides(t *testing.T) {
	for _, c := range []struct {
		name       string
		line, path []models.Point
		want       string
	}{
		{"walks up along the line, another comes from the right", ways(models.Point{X: 0.5, Y: 0.9}, models.Point{X: 0.5, Y: 0.1}),
			ways(models.Point{X: 0.6, Y: 0.5}, models.Point{X: 0.4, Y: 0.5}), "to_left"},
		{"walks down along the line, the same one comes from the left", ways(models.Point{X: 0.5, Y: 0.1}, models.Point{X: 0.5, Y: 0.9}),
			ways(models.Point{X: 0.6, Y: 0.5}, models.Point{X: 0.4, Y: 0.5}), "to_right"},
		{"walks to the right, another comes towards the camera", ways(models.Point{X: 0.1, Y: 0.5}, models.Point{X: 0.9, Y: 0.5}),
			ways(models.Point{X: 0.5, Y: 0.42}, models.Point{X: 0.5, Y: 0.58}), "to_right"},
	} {
		e := rule.New(watch(models.Rule{Kind: models.KindLine, Line: c.line}))
		events := perform(t, e, 3*s, []act{{id: 1, to: 3 * s, path: c.path}})
		if len(events) != 2 || events[0].Why[0].Note != c.want {
			t.Errorf("%s: got %q, %+v; want one crossing %s", c.name, story(events), events, c.want)
			continue
		}
		curve := events[0].Curve
		if first, last := curve[0].Value, curve[len(curve)-1].Value; first >= 0 || last <= 0 || math.Abs(last-events[0].Why[0].Observed) > 1e-9 {
			t.Errorf("%s: the curve runs from %g to %g, want from below 0 to the observed %g", c.name, first, last, events[0].Why[0].Observed)
		}
	}
}

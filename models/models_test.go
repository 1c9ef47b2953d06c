package models

import (
	"math"
	"testing"
	"time"
)

func TestComplete(t *testing.T) {
	t0 := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(s float64) time.Time { return t0.Add(time.Duration(s * float64(time.Second))) }
	gap := func(from, to float64) Gap { return Gap{From: at(from), To: at(to)} }
	for _, tc := range []struct {
		name string
		gaps []Gap
		want float64
	}{
		{"nothing missing", nil, 1},
		{"a tenth in the middle", []Gap{gap(4, 5)}, 0.9},
		{"overlapping gaps count once", []Gap{gap(4, 6), gap(5, 6), gap(4.5, 5)}, 0.8},
		{"outside of what was asked does not count", []Gap{gap(-5, 1), gap(9, 20)}, 0.8},
		{"everything", []Gap{gap(-1, 11)}, 0},
		{"in any order", []Gap{gap(8, 9), gap(1, 2)}, 0.8},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := Footage{AskedFrom: at(0), AskedTo: at(10), Gaps: tc.gaps}
			if got := f.Complete(); math.Abs(got-tc.want) > 1e-9 {
				t.Errorf("got %g, want %g", got, tc.want)
			}
		})
	}
}

func TestPolygonContains(t *testing.T) {
	square := Polygon{{0.2, 0.2}, {0.8, 0.2}, {0.8, 0.8}, {0.2, 0.8}}
	notched := Polygon{{0, 0}, {1, 0}, {1, 1}, {0.5, 0.4}, {0, 1}}
	for _, tc := range []struct {
		pg   Polygon
		p    Point
		want bool
	}{
		{square, Point{0.5, 0.5}, true},
		{square, Point{0.2, 0.5}, true}, // on the left edge
		{square, Point{0.8, 0.8}, true}, // a corner
		{square, Point{0.81, 0.5}, false},
		{square, Point{0.1, 0.2}, false}, // level with an edge, beside it
		{notched, Point{0.5, 0.6}, false},
		{notched, Point{0.5, 0.3}, true},
		{notched, Point{0.1, 0.7}, true},
	} {
		if got := tc.pg.Contains(tc.p); got != tc.want {
			t.Errorf("%v in %v: got %v, want %v", tc.p, tc.pg, got, tc.want)
		}
	}
}

func TestBox(t *testing.T) {
	a, b := Box{0, 0, 0.4, 0.4}, Box{0.2, 0.2, 0.4, 0.4}
	if got := a.IoU(b); math.Abs(got-0.04/0.28) > 1e-9 {
		t.Errorf("IoU: got %g, want %g", got, 0.04/0.28)
	}
	if got := a.IoU(Box{0.5, 0.5, 0.1, 0.1}); got != 0 {
		t.Errorf("IoU of boxes apart: got %g", got)
	}
	if got := a.Union(b); math.Abs(got.W-0.6) > 1e-9 || math.Abs(got.H-0.6) > 1e-9 {
		t.Errorf("union: got %v", got)
	}
	if !(Box{0, 0, math.NaN(), 1}).Empty() || !(Box{}).Empty() || a.Empty() {
		t.Error("empty: NaN and zero are, a real box is not")
	}
	if got := (Box{-0.1, 0.9, 0.3, 0.3}).Clamp(); math.Abs(got.W-0.2) > 1e-9 || math.Abs(got.H-0.1) > 1e-9 {
		t.Errorf("clamp: got %v", got)
	}
}

func TestSeverityRank(t *testing.T) {
	if !(SeverityLow.Rank() < SeverityMedium.Rank() && SeverityMedium.Rank() < SeverityHigh.Rank() && SeverityHigh.Rank() < SeverityCritical.Rank()) || Severity("?").Rank() != -1 {
		t.Error("severities are out of order")
	}
}

func TestTravel(t *testing.T) {
	from := Box{0.4, 0.4, 0.1, 0.2}
	for _, tc := range []struct {
		name   string
		to     Box
		dx, dy float64
	}{
		{"stays", from, 0, 0},
		{"goes right", Box{0.5, 0.4, 0.1, 0.2}, 0.1, 0},
		{"goes right and grows: the lesser end counts", Box{0.45, 0.4, 0.2, 0.2}, 0.05, 0},
		{"grows to both sides: goes nowhere", Box{0.35, 0.35, 0.2, 0.3}, 0, 0},
		{"an end at the border says nothing", Box{0, 0.4, 0.3, 0.2}, 0.2, 0},
		{"both ends at the border say nothing", Box{0, 0.4, 1, 0.2}, 0, 0},
	} {
		dx, dy := from.Travel(tc.to, 0.02)
		if math.Abs(dx-tc.dx) > 1e-9 || math.Abs(dy-tc.dy) > 1e-9 {
			t.Errorf("%s: got %g, %g; want %g, %g", tc.name, dx, dy, tc.dx, tc.dy)
		}
	}
}

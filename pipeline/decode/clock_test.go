package decode

import (
	"math"
	"testing"
	"time"
)

func TestMediaClock(t *testing.T) {
	nan := math.NaN()
	tests := []struct {
		name   string
		stamps []float64
		want   []float64
	}{
		{"begins at zero", []float64{5, 5.1, 5.3}, []float64{0, .1, .3}},
		{"no stamps", []float64{nan, nan, nan}, []float64{0, .5, 1}},
		{"one is missing", []float64{1, nan, 2}, []float64{0, .5, 1}},
		{"stamps come late", []float64{nan, 7, 8}, []float64{0, .5, 1.5}},
		{"starts anew in mid-file", []float64{100, 101, 0, 1, 2}, []float64{0, 1, 1.5, 2.5, 3.5}},
		{"stands still", []float64{1, 1, 1}, []float64{0, .5, 1}},
		{"a gap stays a gap", []float64{0, 3600}, []float64{0, 3600}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := mediaClock{step: time.Second / 2}
			for i, s := range tt.stamps {
				if got, want := c.advance(s), time.Duration(tt.want[i]*1e9); (got - want).Abs() > time.Microsecond {
					t.Errorf("frame %d: %v, want %v", i, got, want)
				}
			}
		})
	}
	t.Run("grows whatever comes", func(t *testing.T) {
		c := mediaClock{step: time.Millisecond}
		last := time.Duration(-1)
		for _, s := range []float64{math.Inf(-1), 1e300, -1e300, 0, math.Inf(1), nan, 1e18, 3} {
			got := c.advance(s)
			if got <= last || got > 101*365*24*time.Hour {
				t.Fatalf("stamp %g: %v after %v", s, got, last)
			}
			last = got
		}
	})
}

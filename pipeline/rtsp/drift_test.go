package rtsp

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// compared feeds ten minutes of comparisons, one each second, of a clock that drifts.
func compared(d *drift, from time.Time, seconds int, ppm float64, start time.Duration, noise func(i int) time.Duration) {
	for i := range seconds {
		passed := time.Duration(i) * time.Second
		d.compare(from.Add(passed), start+time.Duration(float64(passed)*ppm/1e6)+noise(i))
	}
}

func TestDrift(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	exact := func(int) time.Duration { return 0 }
	for _, tt := range []struct {
		name    string
		seconds int
		ppm     float64
		noise   func(i int) time.Duration
		within  float64 // ppm
	}{
		{"a crystal that is slow", 600, -80, exact, 0.01},
		{"a crystal that is fast", 600, 35, exact, 0.01},
		{"delays of a network", 600, 50, func(int) time.Duration { return -time.Duration(rng.ExpFloat64() * float64(3*time.Millisecond)) }, 5},
		{"one comparison in five is late by a third of a second", 600, 50, func(i int) time.Duration {
			if rng.IntN(5) == 0 {
				return -300 * time.Millisecond
			}
			return 0
		}, 1},
		{"two minutes", 120, 200, func(int) time.Duration { return time.Duration(rng.IntN(int(time.Millisecond))) }, 20},
		{"an hour: only the last minutes count", 3600, 120, exact, 0.01},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var d drift
			compared(&d, epoch, tt.seconds, tt.ppm, 700*time.Millisecond, tt.noise)
			if !d.known || math.Abs(d.ppm-tt.ppm) > tt.within {
				t.Errorf("got %.2f ppm (known %v), want %g within %g", d.ppm, d.known, tt.ppm, tt.within)
			}
			if most := int(driftWindow/driftEvery) + 1; len(d.points) > most {
				t.Errorf("%d comparisons are kept, at most %d", len(d.points), most)
			}
		})
	}
}

func TestDriftIsUnknownAtFirstAndAfterAStep(t *testing.T) {
	var d drift
	exact := func(int) time.Duration { return 0 }
	compared(&d, epoch, 55, 100, 0, exact)
	if d.known {
		t.Errorf("known after 55 s: %g ppm", d.ppm)
	}
	compared(&d, epoch.Add(55*time.Second), 600, 100, 0, exact)
	if !d.known {
		t.Error("unknown after ten minutes")
	}
	d.compare(epoch.Add(11*time.Minute), time.Hour) // somebody set the camera's clock
	if d.known {
		t.Errorf("after the clock was set: %g ppm", d.ppm)
	}
	compared(&d, epoch.Add(11*time.Minute+time.Second), 600, -20, time.Hour, exact)
	if !d.known || math.Abs(d.ppm+20) > 0.01 {
		t.Errorf("ten minutes after the clock was set: %g ppm, want -20", d.ppm)
	}
}
